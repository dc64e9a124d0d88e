"""The peak of a device's matrix products, measured: `peak.py cuda` prints {"bfloat16": operations a second, ...}."""

import json
import sys
import time

import torch
import transformers

try:
    import peft

    peft_version = peft.__version__
except ImportError:
    peft_version = None


def rate(device: str, dtype: torch.dtype, size: int, rounds: int) -> float:
    """Operations a second of (size, size) products on random numbers; the best of three tries."""
    a = torch.randn(size, size, device=device).to(dtype)
    b = torch.randn(size, size, device=device).to(dtype)
    # The host waits for the device by reading a number of the last product.
    (a @ b)[0, 0].item()
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(rounds):
            c = a @ b
        c[0, 0].item()
        best = min(best, time.perf_counter() - start)
    return rounds * 2 * size**3 / best


def main(device: str):
    size, rounds = (8192, 20) if device == "cuda" else (512, 2)
    print(
        json.dumps(
            {
                "bfloat16": rate(device, torch.bfloat16, size, rounds),
                "float32": rate(device, torch.float32, size, max(1, rounds // 4)),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "peft": peft_version,
                "device": torch.cuda.get_device_name(0) if device == "cuda" else "cpu",
            }
        )
    )


main(sys.argv[1])
