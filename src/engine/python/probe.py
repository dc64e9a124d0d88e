"""Prints, as one line of JSON on stdout, what this Python has and can do. See src/protocol/python.ts for the fields.

It runs on any Python 3, however old, since the answer to an old one is what to install.
"""

import json
import os
import platform
import shutil
import sys

PACKAGES = ["torch", "transformers", "safetensors", "numpy", "peft"]


def installed():
    try:
        from importlib import metadata
    except ImportError:  # Before Python 3.8.
        return {name: None for name in PACKAGES}
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def reason(error):
    lines = str(error).strip().splitlines()
    return "%s: %s" % (type(error).__name__, lines[0] if lines else "")


def processor_flags():
    """Flags of the processor as Linux names them; on macOS the one that matters."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith(("flags", "Features")):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    if sys.platform == "darwin":
        import subprocess

        answer = subprocess.run(["sysctl", "-n", "hw.optional.arm.FEAT_BF16"], stdout=subprocess.PIPE)
        return {"bf16"} if answer.stdout.strip() == b"1" else set()
    return set()


def processor(torch):
    flags = processor_flags()
    # Windows has no list of flags; PyTorch knows the ones it uses.
    known = getattr(torch, "cpu", None)
    ask = lambda name: bool(getattr(known, name, lambda: False)())
    bf16 = bool(flags & {"avx512_bf16", "amx_bf16", "bf16"}) or (
        not flags and ask("_is_avx512_bf16_supported")
    )
    return {"bf16": bf16, "amx": "amx_tile" in flags or (not flags and ask("_is_amx_tile_supported"))}


def cuda_devices(torch):
    """Devices of CUDA, or of ROCm, which PyTorch calls by the same name."""
    kind = "rocm" if torch.version.hip else "cuda"
    found = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        try:
            free = torch.cuda.mem_get_info(index)[0]
        except Exception:
            free = None  # A device in exclusive use is there all the same.
        bf16 = kind == "rocm" or properties.major >= 8
        memory = {"total": properties.total_memory, "free": free}
        found.append({"kind": kind, "name": properties.name, "memory": memory, "bf16": bf16})
    return found


def accelerators(torch):
    """Devices, and why there is none although PyTorch was built for some."""
    if torch.backends.mps.is_available():
        total = int(torch.mps.recommended_max_memory()) if hasattr(torch.mps, "recommended_max_memory") else 0
        memory = {"total": total, "free": None}
        return [{"kind": "mps", "name": platform.processor() or "Apple GPU", "memory": memory, "bf16": True}], None
    if not (torch.version.cuda or torch.version.hip):
        return [], None
    try:
        found = cuda_devices(torch)
        if not found:
            torch.cuda.init()
        return found, None
    except Exception as error:
        return [], reason(error)


def backends(torch):
    distributed = torch.distributed
    if not distributed.is_available():
        return []
    checks = {"gloo": distributed.is_gloo_available, "nccl": distributed.is_nccl_available}
    return [name for name, available in checks.items() if available()]


def facts():
    answer = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "packages": installed(),
        "broken": {},
        "accelerators": [],
        "acceleratorProblem": None,
        "toolkit": None,
        "cpu": {"bf16": False, "amx": False},
        "distributed": [],
        "compiler": any(shutil.which(name) for name in [os.environ.get("CXX") or "c++", "g++", "clang++", "cl"]),
    }
    if answer["packages"]["torch"] is None:
        return answer
    try:
        import torch
    except Exception as error:  # Also OSError for a shared library that is missing.
        answer["broken"]["torch"] = reason(error)
        return answer
    answer["packages"]["torch"] = torch.__version__
    if torch.version.cuda:
        answer["toolkit"] = "CUDA " + torch.version.cuda
    elif torch.version.hip:
        answer["toolkit"] = "ROCm " + torch.version.hip
    answer["cpu"] = processor(torch)
    answer["distributed"] = backends(torch)
    answer["accelerators"], answer["acceleratorProblem"] = accelerators(torch)
    return answer


if __name__ == "__main__":
    # Libraries print what they like; the answer is the last line.
    print("\n" + json.dumps(facts()))
