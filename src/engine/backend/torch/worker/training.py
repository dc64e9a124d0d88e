"""The requests of training, but for passes of a contrast (`contrast.py`)."""

from typing import Any

import torch

from .answers import surprisals
from .batch import Batch
from .errors import WorkerError
from .frames import Tensors
from .sharding import own_rows
from .state import State
from .trainer import Trainer

Answer = tuple[dict[str, Any], Tensors]


def create(state: State, params: dict[str, Any], tensors: Tensors) -> Answer:
    """
    Makes a trainer ready: of adapters, with their `scales` by module and their first values as `<module>.lora_A.weight` (r, in) and `….lora_B.weight`
    (out, r); or of the weights by `names`. `moments`: whether the optimiser keeps moments (AdamW) or none (SGD). One that was not finished is gone.
    """
    if params["names"] and state.ranks.lockstep:
        raise WorkerError(
            "recipe-invalid",
            "Full-weight training does not run on weights in shares (torch.shard). Train an adapter (train.method lora), or let each process hold "
            "all weights: --set torch.shard=replicate.",
        )
    if state.training is not None:
        state.training.stop()
    state.stepper.forget()
    state.training = Trainer(state.model, params, tensors)
    shapes = {name: list(each.value.shape) for name, each in state.training.trained.items()}
    return {"shapes": shapes}, {}


def clear(state: State, _params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Begins a step: gradients are nothing."""
    state.trainer.clear()
    return {}, {}


def answers(state: State, params: dict[str, Any], _tensors: Tensors) -> Answer:
    """One pass: adds the gradients of `loss` = Σ factor·(−log p) over the labelled tokens of rows (`ids`, `labelled`, `factor`)."""
    trainer = state.trainer
    whole = Batch.of(params, trainer.model.device)
    batch, counts = own_rows(state.ranks, whole)

    def work() -> dict[str, list[torch.Tensor]]:
        if len(batch) == 0:
            return {}
        with trainer.during(batch, params, trainer.model.sites.count):
            found = surprisals(trainer.model, batch)
            factors = [row["factor"] if counts else 0.0 for row in batch.rows]
            losses = [each.sum(0, keepdim=True) * factor for each, factor in zip(found, factors, strict=True)]
            torch.cat(losses).sum().backward()
        return {"losses": [each.detach() for each in losses]} if counts else {}

    losses = state.ranks.together(work).get("losses", [])
    return {"loss": float(torch.cat(losses).double().sum()) if losses else 0.0}, {}


def norm(state: State, _params: dict[str, Any], _tensors: Tensors) -> Answer:
    """`norm` of the gradient of all passes, over all that is trained."""
    state.ranks.add_up([each.used for each in state.trainer.trained.values()])
    found = [each.float() for each in state.trainer.gradients().values()]
    return {"norm": float(torch.stack(torch._foreach_norm(found)).norm()) if found else 0.0}, {}


def update(state: State, params: dict[str, Any], _tensors: Tensors) -> Answer:
    """A step of the optimiser (`optimisers.py`) by the gradients of the passes."""
    state.trainer.update(params)
    return {}, {}


def read(state: State, params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Parameters and moments by `names`."""
    return {}, {name: state.trainer.tensor(name) for name in params["names"]}


def write(state: State, _params: dict[str, Any], tensors: Tensors) -> Answer:
    """Puts values in the place of parameters and moments."""
    state.trainer.clear()
    for name, value in tensors.items():
        state.trainer.put(name, value)
    return {}, {}


def finish(state: State, _params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Makes what was learned part of the model. The trainer is gone."""
    state.trainer.finish()
    state.training = None
    state.stepper.forget()
    return {}, {}
