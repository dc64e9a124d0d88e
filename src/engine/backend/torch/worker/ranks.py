"""The processes that compute together. Here there is one."""

from typing import TypeVar

import torch

T = TypeVar("T")


class Ranks:
    """Which part of a batch this process computes, and how parts are put together."""

    rank = 0
    size = 1

    def share(self, count: int) -> range:
        """Indices of the rows this rank computes: neighbours, so that what is gathered is in order."""
        return range(self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def gather(self, parts: dict[str, list[torch.Tensor]]) -> dict[str, list[torch.Tensor]]:
        """The parts of all ranks, one after the other."""
        return parts
