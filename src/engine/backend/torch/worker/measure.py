"""Measurements: a batch of rows in, a tensor a row out, computed in shares by the ranks."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch

from .batch import Batch
from .forward import first_blocks
from .frames import Tensors
from .interventions import Interventions
from .model import Model
from .ranks import Found
from .sharding import own_rows
from .state import State

Method = Callable[[State, dict[str, Any], Tensors], tuple[dict[str, Any], Tensors]]


def in_shares(
    function: Callable[[State, Batch, dict[str, Any], Interventions], Found], passes_follow_rows: bool = False
) -> Method:
    """
    The method that runs a function on this rank's share of the rows, without gradients, and joins what all ranks found, and what interventions
    did: `effects` of rows, and `sharedEffects` of what all begin with. Ranks in lockstep run all rows where the number of passes follows from them.
    """

    def method(state: State, params: dict[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
        model = state.model
        whole = Batch.of(params, model.device)
        if state.ranks.lockstep and passes_follow_rows:
            batch, counts = whole, state.ranks.rank == 0
        else:
            batch, counts = own_rows(state.ranks, whole)

        def own() -> Found:
            if len(batch) == 0 and len(whole) > 0:
                return {}
            acting = Interventions.of_request(model.sites, params, tensors, batch.share(), model.device)
            with torch.no_grad():
                found = function(state, batch, params, acting)
            found |= acting.effects()
            if batch.first > 0:
                # Every rank runs what all rows begin with; it counts once.
                found["sharedEffects"] = []
            return found if counts else {}

        parts = state.ranks.together(own)
        return {}, {name: torch.cat([part.float() for part in each]) for name, each in parts.items() if each}

    return method


def measured(function: Callable[[Model, Batch, dict[str, Any]], Found]) -> Method:
    """A method of one pass, through the first `blocks` where that is asked for, under the interventions."""

    def under(state: State, batch: Batch, params: dict[str, Any], acting: Interventions) -> Found:
        blocks = params.get("blocks")
        with ExitStack() as stack:
            if blocks is not None:
                stack.enter_context(first_blocks(state.model.sites, blocks))
            if acting.interventions:
                stack.enter_context(acting.during(batch.tokens(), blocks=blocks))
            return function(state.model, batch, params)

    return in_shares(under)
