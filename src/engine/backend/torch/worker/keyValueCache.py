"""Keys and values of a batch that is being generated, and what the tokens of its passes see of them."""

import torch
from torch import Tensor

from .attention import Sight


class KeyValueCache:
    """Keys and values of each layer, (B, K, P, D): rows have room for P tokens, each at its position in its text."""

    def __init__(self, capacity: int):
        self.capacity = capacity
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}

    def fill(self, layer: int, key: Tensor, value: Tensor) -> None:
        """Takes in those of the first tokens of all rows, (B, K, T, D)."""
        if layer not in self.layers:
            # Zeros and not whatever was there: a NaN that nothing sees would still be added up.
            self.layers[layer] = tuple(
                torch.zeros(*x.shape[:2], self.capacity, x.shape[3], dtype=x.dtype, device=x.device) for x in (key, value)
            )
        for cached, x in zip(self.layers[layer], (key, value)):
            # Padding may be longer than the room, where the longest row of the batch is another rank's.
            length = min(x.shape[2], self.capacity)
            cached[:, :, :length] = x[:, :, :length]

    def keep(self, index: Tensor) -> None:
        """Moves the rows at these places (b) to the front."""
        batch = index.shape[0]
        for cached in self.layers.values():
            for x in cached:
                x[:batch] = x[index]


class Stepping(Sight):
    """One token of each of the first rows, at these positions (b, 1): it joins the cache and sees what is before it there."""

    def __init__(self, cache: KeyValueCache, positions: Tensor):
        super().__init__()
        self.cache = cache
        self.positions = positions
        self.places = torch.arange(cache.capacity, device=positions.device)[None]

    def seen(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        batch = self.positions.shape[0]
        there = self.positions[:, None, :, None]
        rows = []
        for cached, x in zip(self.cache.layers[layer], (key, value)):
            row = cached[:batch]
            row.scatter_(2, there.expand(x.shape), x)
            rows.append(row)
        return rows[0], rows[1]

    def visible(self, window: int | None) -> Tensor:
        near = self.places <= self.positions
        if window is not None:
            near = near & (self.places > self.positions - window)
        return near[:, None, None]


def bucket(n: int, step: int) -> int:
    """The smallest positive multiple of `step` that is at least n."""
    return max(step, -(-n // step) * step)
