"""What the worker's processes and their GPUs take, asked between two steps: every question is answered in a fraction of a millisecond."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .frames import Tensors
from .state import State

#: What is not known.
UNKNOWN = math.nan


def use(state: State, _params: dict[str, Any], _tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """
    By name: `bytes`, `peakBytes` and `totalBytes` of the fullest GPU, `utilisation` (0 to 1) of the busiest, `processBytes` and
    `processPeakBytes` of all processes together. Peaks are those since the last question.
    """
    rows = state.ranks.gather({"gpu": [_gpu(state.model.device)], "process": [_process()]})
    gpus, processes = torch.stack(rows["gpu"]), torch.stack(rows["process"])
    fullest = gpus[gpus[:, 0].nan_to_num(-1).argmax()]
    busiest = gpus[:, 3].nan_to_num(-1).max()
    names = ["bytes", "peakBytes", "totalBytes"]
    found = {name: _known(x) for name, x in zip(names, fullest[:3])}
    found["utilisation"] = None if busiest < 0 else float(busiest)
    found |= {name: _known(x) for name, x in zip(["processBytes", "processPeakBytes"], processes.sum(0))}
    return found, {}


def _gpu(device: torch.device) -> Tensor:
    """(4) of a rank: memory that PyTorch holds there, the most of it, all that there is, and how busy the GPU is."""
    if device.type != "cuda":
        return torch.full((4,), UNKNOWN, dtype=torch.float64)
    held, peak = torch.cuda.memory_reserved(device), torch.cuda.max_memory_reserved(device)
    torch.cuda.reset_peak_memory_stats(device)
    total = torch.cuda.get_device_properties(device).total_memory
    return torch.tensor([held, peak, total, _utilisation(device)], dtype=torch.float64)


def _utilisation(device: torch.device) -> float:
    try:
        return torch.cuda.utilization(device) / 100
    except Exception:  # noqa: BLE001: it needs a library of the driver's maker, and a driver that answers.
        return UNKNOWN


def _process() -> Tensor:
    """(2) of a rank: memory that its process holds, and the most of it."""
    try:
        with open("/proc/self/status") as file:
            status = dict(line.split(":", 1) for line in file if line.startswith("Vm"))
        held, peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        with open("/proc/self/clear_refs", "w") as file:
            # Sets the mark of the most that was held back to what is held now (proc(5)).
            file.write("5")
    except (OSError, KeyError, ValueError):
        return torch.full((2,), UNKNOWN, dtype=torch.float64)
    return torch.tensor([held, peak], dtype=torch.float64)


def _known(x: Tensor) -> float | None:
    return None if x.isnan() else float(x)
