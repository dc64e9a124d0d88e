"""A pass of a contrast: features go up, losses are the client's, and their gradients come down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .batch import Batch
from .features import pooled, row_places
from .forward import features_at, first_blocks, lens
from .frames import Tensors
from .sharding import own_rows
from .state import State
from .trainer import Trainer

Answer = tuple[dict[str, Any], Tensors]


@dataclass
class Pending:
    """What a pass found, as long as its gradients are awaited."""

    batch: Batch
    #: Whether its rows are this rank's own (`sharding.py`).
    counts: bool
    params: dict[str, Any]
    #: A row each, (1, C) of prompts and (positions, C) of anchors.
    pooled: list[Tensor]
    held: list[Tensor]
    #: For KL: the held features (M, C) apart from the pass, and the logits (M, V) that the lens reads from them. Norm and head are constants.
    read: Tensor | None = None
    logits: Tensor | None = None


def features(state: State, params: dict[str, Any], tensors: Tensors) -> Answer:
    """
    Runs the blocks below `layer`: `pooled` (n, C), a feature a row by its `positions` and `mean`; and of rows that are `held` the features of all
    their positions, or with `lens` the logits that norm and head read from them and from those `before` (M, C) training: `now` and `before`.
    """
    trainer = state.trainer
    model = trainer.model
    whole = Batch.of(params, model.device)
    batch, counts = own_rows(state.ranks, whole)
    pending = trainer.pending = Pending(batch, counts, params, [], [])

    def work() -> dict[str, list[Tensor]]:
        if len(batch) == 0:
            return {}
        with trainer.during(batch, params, params["layer"]), first_blocks(model.sites, params["layer"]):
            x = features_at(model.sites, batch.ids(), batch.positions(), batch.sight, [params["layer"]])
        for row, places in zip(batch.rows, row_places(batch), strict=True):
            held = row.get("held", False)
            found = pooled(x[params["layer"]], places, params["mean"] and not held)
            (pending.held if held else pending.pooled).append(found)
        now = [each.detach() for each in pending.held]
        found = {"pooled": [each.detach() for each in pending.pooled], "now": now}
        if params["lens"] and (now or state.ranks.lockstep):
            before = tensors["before"].to(model.device)[_share(whole, batch)]
            read = _lens(trainer, pending, before)
            found |= read if now else {}
        return found if counts else {}

    return {}, {name: torch.cat(each) for name, each in state.ranks.together(work).items() if each}


def _lens(trainer: Trainer, pending: Pending, before: Tensor) -> dict[str, list[Tensor]]:
    sites = trainer.model.sites
    with _head(trainer):
        # A rank in lockstep that holds nothing reads one of its features for nothing.
        held = torch.cat(pending.held or pending.pooled[:1]).detach()
        pending.read = held.requires_grad_()
        pending.logits = lens(sites, pending.read).float()
        with torch.no_grad():
            earlier = lens(sites, before if len(before) > 0 else held).float()
        return {"now": [pending.logits.detach()], "before": [earlier]}


def gradients(state: State, _params: dict[str, Any], tensors: Tensors) -> Answer:
    """Adds the gradients of the pass before, given those of what it found: `pooled` and `now`."""
    trainer = state.trainer
    pending: Pending = trainer.pending
    trainer.pending = None
    batch, params, device = pending.batch, pending.params, trainer.model.device
    whole = Batch.of(params, device)
    found: list[Tensor] = []
    given: list[Tensor] = []
    if pending.pooled:
        first = sum(1 for row in whole.rows[: batch.first] if not row.get("held", False))
        found.append(torch.cat(pending.pooled))
        given.append(tensors["pooled"].to(device)[first : first + len(pending.pooled)])
    now = torch.cat(pending.held) if pending.held else None
    if pending.logits is not None:
        own = torch.zeros_like(pending.logits) if now is None else tensors["now"].to(device)[_share(whole, batch)]
        (read,) = torch.autograd.grad(pending.logits, pending.read, own)
    elif now is not None:
        read = tensors["now"].to(device)[_share(whole, batch)]
    if now is not None:
        found.append(now)
        given.append(read)
    if not pending.counts:
        given = [torch.zeros_like(each) for each in given]
    if found:
        with trainer.during(batch, params, params["layer"]):
            torch.autograd.backward(found, given)
    return {}, {}


def _share(whole: Batch, batch: Batch) -> slice:
    """Which of the held tokens of all ranks are this one's."""
    counts = [len(row["positions"]) if row.get("held", False) else 0 for row in whole.rows]
    first = sum(counts[: batch.first])
    return slice(first, first + sum(counts[batch.first : batch.first + len(batch)]))


@contextmanager
def _head(trainer: Trainer) -> Iterator[None]:
    """The head as it was before training, where that moves it."""
    head = trainer.model.root.get_output_embeddings()
    if trainer.head is None:
        yield
        return
    own = head.weight
    head.weight = nn.Parameter(trainer.head, requires_grad=False)
    try:
        yield
    finally:
        head.weight = own
