"""A tile of rows whose gradients' products are worked out: texts of two sides, and where their scalars' gradients have come down to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from .batch import Batch
from .ghost import Read


@dataclass
class Pass:
    """Texts of one pass, and the gradients of their scalars as far as they have come down."""

    batch: Batch
    #: Rows of the tile's side that its texts' scalars are: which of the B·S slots are meant, S the most scalars that one of its texts has.
    slots: list[int]
    #: By layer what the block was called with beside its hidden states.
    calls: list[tuple[tuple, dict[str, Any]]] = field(default_factory=list)
    #: By layer what the block reads, (1, N, C).
    inputs: list[Tensor] = field(default_factory=list)
    #: By slot the gradient at the input of the block above, (1, N, C).
    residual: list[Tensor] = field(default_factory=list)
    #: Of embedding, head and final norm, where they count.
    embedded: Tensor | None = None
    head: Read | None = None
    final_norm: Tensor | None = None

    def by_text(self, x: Tensor) -> Tensor:
        """(…, N, width) of all tokens → (B, T, width)."""
        return x.reshape(len(self.batch), self.batch.length, -1)


@dataclass
class Tile:
    """The rows whose products are worked out: `right` is `left` where it is the same side."""

    scope: dict[str, Any]
    #: A and B of an adapter by module, B with its scale and the factor of B's own gradient, where a scope names one.
    adapter: dict[str, tuple[Tensor, Tensor, float]] | None
    left: list[Pass] = field(default_factory=list)
    right: list[Pass] = field(default_factory=list)
    #: The layer whose output has the gradients in `Pass.residual`.
    above: int = 0

    def passes(self) -> list[Pass]:
        return [*self.left, *([] if self.right is self.left else self.right)]

    def wants(self, part: str) -> bool:
        return self.adapter is None and part in self.scope["parts"]


def sides(tile: Tile, view: Callable[[Pass], Any]) -> tuple[list, list]:
    """What `view` gives of each pass, of the left and the right side."""
    left = [view(each) for each in tile.left]
    return left, left if tile.right is tile.left else [view(each) for each in tile.right]


def rows_of(own: Pass, vectors: Tensor) -> Tensor:
    """(B, S, size) → (rows, size)."""
    return vectors.flatten(0, 1)[own.slots]


def chosen(tile: Tile, products: Tensor) -> Tensor:
    """Of all slots of the tile's texts those that are rows."""

    def rows(side: list[Pass]) -> list[int]:
        places: list[int] = []
        start = 0
        for each in side:
            places += [start + slot for slot in each.slots]
            start += len(each.batch) * len(each.residual)
        return places

    return products[rows(tile.left)][:, rows(tile.right)]
