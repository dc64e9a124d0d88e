"""Requests that change the model's weights for good, or read them."""

from typing import Any

import torch

from .frames import Tensors
from .sharding import put
from .state import State

Answer = tuple[dict[str, Any], Tensors]


def adopt(state: State, params: dict[str, Any], tensors: Tensors) -> Answer:
    """Adds a frozen adapter: `scales` by module, its factors as in `training.create`."""
    model = state.model
    state.stepper.forget()
    for name, scale in params["scales"].items():
        a, b = (tensors[f"{name}.lora_{which}.weight"].to(model.device) for which in "AB")
        model.linears[name].freeze(a, b, scale)
    return {}, {}


@torch.no_grad()
def replace(state: State, _params: dict[str, Any], tensors: Tensors) -> Answer:
    """Puts whole weights in the place of the model's own, and of adapters on them."""
    model = state.model
    state.stepper.forget()
    parameters = model.parameters()
    for name, value in tensors.items():
        model.whole_weight(name)
        put(parameters[name], value)
    return {}, {}


@torch.no_grad()
def read(state: State, params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Weights by `names` in float32, finished adapters merged into them."""
    model = state.model
    return {}, {name: model.merged_weight(name) for name in params["names"]}
