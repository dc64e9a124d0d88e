"""How golden values are written."""

import json
from pathlib import Path

import numpy as np
import torch


def digits(values, count: int = 7) -> list[float]:
    """All elements of an array or tensor in row-major order, with `count` significant digits."""
    if isinstance(values, torch.Tensor):
        values = values.detach()
    return [float(f"{value:.{count}g}") for value in np.asarray(values, dtype=np.float64).reshape(-1)]


def write_json(path: Path, value) -> None:
    """Writes JSON with one line per list of numbers or texts, so that files are short and changes can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_lines(value, "") + "\n", encoding="utf-8")


def _lines(value, indent: str) -> str:
    deeper = indent + " "
    if isinstance(value, dict):
        inner = [f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_lines(each, deeper)}" for key, each in value.items()]
        brackets = "{}"
    elif isinstance(value, (list, tuple)) and any(isinstance(each, (list, tuple, dict)) for each in value):
        inner = [deeper + _lines(each, deeper) for each in value]
        brackets = "[]"
    else:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return brackets[0] + "\n" + ",\n".join(inner) + "\n" + indent + brackets[1] if inner else brackets
