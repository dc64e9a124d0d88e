"""Times one decoder block as a training step runs it, in a process of its own: `python -m worker.trial REQUEST`.

The request is JSON: sizes of the block, rank of its adapters (null where the weights themselves are trained), rows and tokens a row, device,
threads, and the variants to time, each a dtype and whether it is compiled. One line of JSON is printed for each variant as soon as it is known,
with the time of the fastest pass in milliseconds or the problem, so that a compiler that takes too long leaves what was timed before it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import torch
from torch import nn
from transformers import LlamaConfig, LlamaModel

from .linear import Adapted

#: Passes that are not counted, and the bounds of those that are: so many, or so many seconds. One is made in any case.
WARM_UPS = 2
MOST = 9
ENOUGH = 1.0

#: Who asked: nobody waits for the answer once it is gone.
PARENT = os.getppid()


def main() -> None:
    request = json.loads(sys.argv[1])
    if request.get("threads"):
        torch.set_num_threads(request["threads"])
    for variant in request["variants"]:
        try:
            found = {"milliseconds": time_block(request, **variant), "problem": None}
        except Exception as error:  # noqa: BLE001: whatever happens is the answer.
            found = {"milliseconds": None, "problem": f"{type(error).__name__}: {error}".splitlines()[0][:500]}
        print(json.dumps({"trial": {**variant, **found}}), flush=True)


def time_block(request: dict[str, Any], dtype: str, compiled: bool) -> float:
    """Milliseconds of one pass: forward, backward to what is trained and to the block's input, the norm of the gradient on the host."""
    device = torch.device(request["device"])
    with torch.device(device):
        block = LlamaModel(_config(request["block"])).to(getattr(torch, dtype))
    trained = _trained(block, request["rank"])
    if compiled:
        block.layers[0] = torch.compile(block.layers[0])
    shape = (request["rows"], request["tokens"], request["block"]["hidden"])
    x = torch.randn(shape, device=device, dtype=getattr(torch, dtype), requires_grad=True)

    def once() -> float:
        if os.getppid() != PARENT:
            sys.exit("the engine has ended")
        start = time.perf_counter()
        y = block(inputs_embeds=x, use_cache=False).last_hidden_state
        found = torch.autograd.grad(y.float().square().sum(), [x, *trained], allow_unused=True)
        sum(g.float().square().sum() for g in found if g is not None).item()
        return (time.perf_counter() - start) * 1000

    for _ in range(WARM_UPS):
        once()
    times: list[float] = []
    begun = time.perf_counter()
    while not times or (len(times) < MOST and time.perf_counter() - begun < ENOUGH):
        times.append(once())
    # What slows a pass down is other work of the machine.
    return min(times)


def _config(block: dict[str, int]) -> LlamaConfig:
    return LlamaConfig(
        hidden_size=block["hidden"],
        intermediate_size=block["intermediate"],
        num_attention_heads=block["heads"],
        num_key_value_heads=block["keyValueHeads"],
        head_dim=block["headSize"],
        num_hidden_layers=1,
        vocab_size=8,
    )


def _trained(block: LlamaModel, rank: int | None) -> list[nn.Parameter]:
    if rank is None:
        return [p for p in block.layers.parameters() if p.requires_grad]
    block.requires_grad_(False)
    trained: list[nn.Parameter] = []
    linears = [name for name, module in block.layers[0].named_modules() if isinstance(module, nn.Linear)]
    for name in linears:
        adapted = Adapted(block.layers[0].get_submodule(name))
        out, width = adapted.weight.shape
        a = nn.Parameter(torch.randn(rank, width, device=adapted.weight.device))
        b = nn.Parameter(torch.zeros(out, rank, device=adapted.weight.device))
        adapted.trained = (a, b, 1.0)
        block.layers[0].set_submodule(name, adapted)
        trained += [a, b]
    return trained


if __name__ == "__main__":
    main()
