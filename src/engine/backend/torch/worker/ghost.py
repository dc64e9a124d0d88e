"""
Inner products of gradients of weights, from what modules read and the gradients of what they give.

For y_t = W a_t and δ_t = ∂s/∂y_t the gradient of W is Σ_t δ_t a_tᵀ, and ⟨∇s′, ∇s⟩ = Σ_{t′,t} (δ′_{t′}·δ_t)(a′_{t′}·a_t): products of activations,
without a matrix of the weight's shape (ghost inner products, Li et al. 2022). Texts that are long beside a weight are cheaper with the matrix, a few
columns of it at a time. Everything is in float32 whatever the model's type, and summed in float64.

What a module read of the texts of one pass is (B, T, in), with the gradients of S scalars of each text (B, S, T, out). A side of a product is a list of
passes; its rows are texts by scalars, pass after pass.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

#: Numbers of what is made on the way at once: a quarter of a gigabyte.
MOST = 1 << 26


@dataclass(frozen=True)
class Read:
    """What one module read in a pass, and the gradients of what it gave."""

    #: (B, T, in); of an embedding the token ids, (B, T).
    values: Tensor
    #: (B, S, T, out).
    gradients: Tensor


def weight_products(left: list[Read], right: list[Read]) -> Tensor:
    """(rows of left, rows of right), float64, of the gradients of a linear module's weight."""
    if _ghost_cost(left, right) <= _whole_cost(left, right):
        return _by_pairs(left, right, _inner)
    return _whole(left, right)


def embedding_products(left: list[Read], right: list[Read]) -> Tensor:
    """Of an embedding: only tokens that two texts share count."""
    return _by_pairs(left, right, lambda a, b: (a[:, None, None] == b[None]).float())


def vector_products(left: list[Tensor], right: list[Tensor]) -> Tensor:
    """Of parameters whose gradients are vectors, (rows, size) each."""
    return torch.cat(left).double() @ torch.cat(right).double().T


def tied_products(left: tuple[list[Read], list[Read]], right: tuple[list[Read], list[Read]]) -> Tensor:
    """The cross terms of two uses of one tensor: as embeddings (the first of a side) and as the head (the second)."""
    return _crossed(left[0], right[1]) + _crossed(right[0], left[1]).T


def _crossed(embedding: list[Read], head: list[Read]) -> Tensor:
    """⟨Σ_t e_{id_t} e_tᵀ, Σ_p δ_p h_pᵀ⟩ = Σ_{t,p} δ_p[id_t] (e_t·h_p)."""
    return torch.cat(
        [torch.cat([_crossed_text(ids, e, read) for read in head], 1) for each in embedding for ids, e in _texts(each)]
    )


def _crossed_text(ids: Tensor, e: Tensor, head: Read) -> Tensor:
    along = torch.einsum("atc,bpc->abtp", e, head.values)
    return torch.einsum("abtp,bspt->abs", along.double(), head.gradients[..., ids].double()).flatten(1)


def _texts(read: Read):
    return zip(read.values, read.gradients.float(), strict=True)


def _rows(side: list[Read]) -> int:
    return sum(each.gradients.shape[0] * each.gradients.shape[1] for each in side)


def _ghost_cost(left: list[Read], right: list[Read]) -> float:
    """Multiplications of products by pairs of tokens."""
    cost = 0.0
    for a in left:
        for b in right:
            pairs = a.gradients.shape[0] * a.gradients.shape[2] * b.gradients.shape[0] * b.gradients.shape[2]
            scalars = a.gradients.shape[1] * b.gradients.shape[1]
            cost += pairs * (a.values.shape[-1] + scalars * (a.gradients.shape[-1] + 2))
    return cost / 2 if left is right else cost


def _whole_cost(left: list[Read], right: list[Read]) -> float:
    """The same with the gradients themselves."""
    size = left[0].values.shape[-1] * left[0].gradients.shape[-1]
    sides = [left] if left is right else [left, right]
    formed = sum(each.gradients[..., 0].numel() for side in sides for each in side)
    return size * (formed + _rows(left) * _rows(right))


def _by_pairs(left: list[Read], right: list[Read], likeness: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Σ_{t′,t} (δ′_{t′}·δ_t) likeness(a′_{t′}, a_t), text by text."""
    found = [[None] * len(right) for _ in left]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            if left is right and j < i:
                found[i][j] = found[j][i].T
            else:
                found[i][j] = torch.cat([_text_products(x, d, b, likeness) for x, d in _texts(a)])
    return torch.cat([torch.cat(row, 1) for row in found])


def _text_products(x: Tensor, d: Tensor, b: Read, likeness: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """(S′, B·S) of one text, what it read and its gradients (S′, T′, out), with those of a pass."""
    scalars, tokens, width = d.shape
    _, others, length, _ = b.gradients.shape
    step = max(1, MOST // max(1, scalars * tokens * others * length))
    found = []
    for values, gradients in zip(b.values.split(step), b.gradients.split(step), strict=True):
        alike = likeness(x, values)
        along = d.reshape(-1, width) @ gradients.float().reshape(-1, width).T
        along = along.view(scalars, tokens, len(values), others, length)
        found.append((along * alike[None, :, :, None]).sum((1, 4), dtype=torch.float64).flatten(1))
    return torch.cat(found, 1)


def _inner(a: Tensor, b: Tensor) -> Tensor:
    """(T′, B, T) of a (T′, in) and b (B, T, in)."""
    return (a.float() @ b.float().flatten(0, 1).T).view(len(a), *b.shape[:2])


def _whole(left: list[Read], right: list[Read]) -> Tensor:
    """By gradients of the weight, as many of its columns at a time as memory holds."""
    rows = _rows(left) + (0 if left is right else _rows(right))
    out, width = left[0].gradients.shape[-1], left[0].values.shape[-1]
    step = max(1, MOST // max(1, rows * out))
    total = torch.zeros(_rows(left), _rows(right), dtype=torch.float64, device=left[0].values.device)
    for start in range(0, width, step):
        ours = _columns(left, slice(start, start + step))
        theirs = ours if left is right else _columns(right, slice(start, start + step))
        total += (ours @ theirs.T).double()
    return total


def _columns(side: list[Read], columns: slice) -> Tensor:
    """(rows, out·columns) of the gradients."""
    return torch.cat(
        [
            torch.einsum("bsto,bti->bsoi", each.gradients.float(), each.values[..., columns].float()).flatten(0, 1).flatten(1)
            for each in side
        ]
    )
