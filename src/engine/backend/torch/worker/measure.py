"""Measurements: a batch of rows in, a tensor a row out, computed in shares by the ranks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .batch import Batch
from .frames import Tensors
from .model import Model
from .state import State

#: Computes a batch: by name a tensor for each row, in their order. Interventions are in force already.
BatchFunction = Callable[[Model, Batch, dict[str, Any]], dict[str, list[Tensor]]]


def measured(function: BatchFunction):
    """The method that runs a batch function on this rank's share of the rows, without gradients, and joins what all ranks found."""

    def method(state: State, params: dict[str, Any], _tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
        whole = Batch.of(params, state.model.device)
        with torch.no_grad():
            found = function(state.model, whole.take(state.ranks.share(len(whole))), params)
        parts = state.ranks.gather(found)
        return {}, {name: torch.cat([part.float() for part in each]) for name, each in parts.items()}

    return method
