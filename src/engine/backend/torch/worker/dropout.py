"""Dropout masks that follow from a key and the place of each element: the client's `dropoutMask` (`statistics/random.ts`), computed here."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .batch import Batch

WORD = 0xFFFFFFFF


def mask(places: Tensor, p: float, key: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Factors of the elements at these places (int64), of their shape: 0 with probability p, 1/(1−p) otherwise."""
    dropped = _mixed(_mixed((places + key[0]) & WORD) ^ key[1]) < math.floor(p * 2**32)
    return torch.where(dropped, 0.0, 1 / (1 - p)).to(dtype)


def _mixed(x: Tensor) -> Tensor:
    """A bijection of 32-bit numbers, held in 64 bits."""
    x = x ^ (x >> 16)
    x = (x * 0x7FEB352D) & WORD
    x = x ^ (x >> 15)
    x = (x * 0x846CA68B) & WORD
    return x ^ (x >> 16)


class Dropout:
    """
    The masks of one pass. Every token has a row of the mask: its place in the whole batch, or behind the attention of the last block, where the
    client counts wanted tokens alone, its number among those (`wanted` of a row, pairs of token and number).
    """

    def __init__(self, p: float, batch: Batch, params: dict[str, Any], last: int) -> None:
        self.p = p
        #: By the full name of a module; modules that share their input share a key, and so a mask.
        self.keys: dict[str, tuple[int, int]] = params["keys"]
        #: Modules of a block that run behind its attention.
        self.behind: list[str] = params["behind"]
        self.last = last
        prefix = len(batch.prefix)
        rows = torch.arange(prefix + len(batch) * batch.length)
        rows[prefix:] += batch.first * batch.length
        wanted = torch.zeros_like(rows)
        for b, row in enumerate(batch.rows):
            for token, number in row["wanted"]:
                wanted[token + prefix if token < 0 else batch.place(b, token)] = number
        self.rows, self.wanted = rows.to(batch.device), wanted.to(batch.device)
        self._made: tuple[tuple, Tensor] | None = None

    def of(self, name: str, layer: int, module: str) -> Callable[[Tensor], Tensor]:
        """What masks the input of a module's adapter."""
        rows = self.wanted if layer == self.last and module in self.behind else self.rows

        def dropped(x: Tensor) -> Tensor:
            key = self.keys[name]
            made = (tuple(key), rows is self.wanted, x.shape, x.dtype)
            # Modules that share an input come one after the other.
            if self._made is None or self._made[0] != made:
                width = x.shape[-1]
                places = rows[:, None] * width + torch.arange(width, device=x.device)
                self._made = made, mask(places, self.p, key, x.dtype).reshape(x.shape)
            return x * self._made[1]

        return dropped
