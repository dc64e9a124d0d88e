"""Rows of tokens as one pass of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .attention import Rows, Sight
from .interventions import Tokens


class Batch:
    """
    What all rows begin with once (P tokens), then B rows padded on the right to T tokens. All N = P + B·T tokens stand in one row, (1, N): each
    is computed once, and only attention knows which token belongs to which row.
    """

    def __init__(
        self, prefix: list[int], rows: list[dict[str, Any]], length: int, device: torch.device, first: int = 0
    ) -> None:
        self.prefix = prefix
        #: Each with its tokens behind the prefix (`ids`), and whatever else the method is told of it.
        self.rows = rows
        self.length = length
        self.device = device
        #: Where the first row stands in the whole batch, of which this may be a share.
        self.first = first
        branching = any("parents" in row for row in rows)
        self._positions = _positions(rows, length, branching) + len(prefix)
        tree = _tree(rows, length) if branching else None
        self.sight = Packed(len(prefix), len(rows), length, tree, self._positions.to(device))

    @staticmethod
    def of(params: dict[str, Any], device: torch.device) -> Batch:
        """
        The rows of a request: `prefix`, `rows`, and the `length` they are padded to. A row with a tree behind its text says of how many tokens
        of its own the text is (`own`), and for each token of the tree which one of the tree is before it, −1 for none (`parents`).
        """
        return Batch(params["prefix"], params["rows"], params["length"], device)

    def take(self, share: range) -> Batch:
        """Some of the rows, neighbours."""
        if len(share) == len(self.rows):
            return self
        rows = self.rows[share.start : share.stop]
        return Batch(self.prefix, rows, self.length, self.device, self.first + share.start)

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: int, token: int) -> int:
        """Index among the N tokens of a row's token, counted from the row's own first one."""
        return len(self.prefix) + row * self.length + token

    def ids(self) -> Tensor:
        """(1, N). Padding is token 0, which nothing sees."""
        own = [[*row["ids"], *[0] * (self.length - len(row["ids"]))] for row in self.rows]
        return torch.tensor([[*self.prefix, *(token for row in own for token in row)]], device=self.device)

    def positions(self) -> Tensor:
        """(1, N): where each token stands in its text."""
        before = torch.arange(len(self.prefix))
        return torch.cat([before, self._positions.flatten()])[None].to(self.device)

    def share(self) -> range:
        """Which rows of the whole batch these are."""
        return range(self.first, self.first + len(self))

    def lengths(self) -> list[int]:
        """Tokens of each row's text, the prefix included, without a tree behind it."""
        return [len(self.prefix) + row.get("own", len(row["ids"])) for row in self.rows]

    def tokens(self) -> Tokens:
        """The tokens as interventions see them. The prompt of a row with an answer behind it ends at `prompt` of the row's own tokens."""
        prefix, size = len(self.prefix), len(self.rows)
        rows = torch.arange(size)[:, None].expand(size, self.length)
        own = torch.arange(self.length) < torch.tensor([len(row["ids"]) for row in self.rows], dtype=torch.long)[:, None]
        last = [self.place(b, row.get("prompt", row.get("own", len(row["ids"]))) - 1) for b, row in enumerate(self.rows)]
        stops = torch.where(own, self._positions + 1, 0).amax(-1).tolist() if size else []
        return Tokens(
            row=torch.cat([torch.full((prefix,), size), rows.flatten()]).to(self.device),
            position=self.positions()[0],
            own=torch.cat([torch.ones(prefix, dtype=torch.bool), own.flatten()]).to(self.device),
            last=torch.tensor(last, dtype=torch.long, device=self.device),
            spans=[(0, stop) for stop in stops],
        )


def _positions(rows: list[dict[str, Any]], length: int, branching: bool) -> Tensor:
    """(B, T), counted from each row's own first token."""
    positions = torch.arange(length).repeat(len(rows), 1)
    if branching:
        for b, row in enumerate(rows):
            depths: list[int] = []
            for parent in row["parents"]:
                depths.append(0 if parent < 0 else depths[parent] + 1)
            positions[b, row["own"] :] = row["own"]
            positions[b, row["own"] : row["own"] + len(depths)] += torch.tensor(depths, dtype=torch.long)
    return positions


def _tree(rows: list[dict[str, Any]], length: int) -> Tensor:
    """(B, T, T): what each token sees of its row. Tokens of a tree see the text before it and their own path."""
    seen = torch.ones(length, length, dtype=torch.bool).tril().repeat(len(rows), 1, 1)
    for b, row in enumerate(rows):
        tree = seen[b, row["own"] :, row["own"] :]
        tree.copy_(torch.eye(len(tree), dtype=torch.bool))
        for node, parent in enumerate(row["parents"]):
            if parent >= 0:
                tree[node] |= tree[parent]
    return seen


class Packed(Sight):
    """
    A prefix of P tokens that sees itself, and B rows of T tokens behind it, all in one row (1, N). Each token sees the prefix and what comes before
    it in its row, or what `tree` (B, T, T) says.
    """

    def __init__(self, prefix: int, batch: int, length: int, tree: Tensor | None, positions: Tensor) -> None:
        super().__init__()
        self.prefix = prefix
        self.batch = batch
        self.length = length
        self.tree = None if tree is None else tree.to(positions.device)
        #: (B, T).
        self.positions = positions
        self.before = Rows(prefix, positions.device)
        #: Is told keys and values of each layer, as rows see them, (B, K, P + T, D).
        self.keep: Callable[[int, Tensor, Tensor], None] | None = None

    def seen(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        if self.keep is not None:
            self.keep(layer, key, value)
        return key, value

    def attended(self, layer, query, key, value, window, scaling, softcap):
        def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            return Sight.attended(self, layer, query, key, value, window, scaling, softcap)

        own = [self._rows(x) for x in (query, key, value)]
        if self.prefix == 0:
            return self._joined(attend(*own))
        shared = [x[:, :, : self.prefix] for x in (query, key, value)]
        first = self.before.attended(layer, *shared, window, scaling, softcap)
        seen = [
            torch.cat([x.expand(self.batch, -1, -1, -1), y], 2) for x, y in zip(shared[1:], own[1:], strict=True)
        ]
        return torch.cat([first, self._joined(attend(own[0], *seen))], 2)

    def _rows(self, x: Tensor) -> Tensor:
        """(1, h, N, D) → (B, h, T, D), without the prefix."""
        return x[0, :, self.prefix :].unflatten(1, (self.batch, self.length)).transpose(0, 1)

    def _joined(self, x: Tensor) -> Tensor:
        """(B, h, T, D) → (1, h, B·T, D)."""
        return x.transpose(0, 1).flatten(1, 2)[None]

    def visible(self, window: int | None) -> Tensor | None:
        """(B or 1, 1, T, P + T)."""
        whole = self.prefix + self.length
        if window is not None and window >= whole:
            window = None
        if self.prefix == 0 and self.tree is None and window is None:
            return None
        device = self.positions.device
        if self.tree is None:
            seen = torch.ones(1, self.length, whole, dtype=torch.bool, device=device).tril(self.prefix)
            own = self.positions[:1]
        else:
            own = self.positions
            before = torch.ones(self.batch, self.length, self.prefix, dtype=torch.bool, device=device)
            seen = torch.cat([before, self.tree], 2)
        if window is not None:
            keys = torch.cat([torch.arange(self.prefix, device=device).expand(len(own), -1), own], 1)
            seen = seen & (own[:, :, None] - keys[:, None, :] < window)
        return seen[:, None]
