"""Training: passes that add up gradients, and steps of the optimiser. A stage's trainer lives between requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .attention import seeing
from .batch import Batch
from .dropout import Dropout
from .frames import Tensors
from .model import Model
from .optimisers import Moments, adamw, sgd


@dataclass
class Trained:
    """A parameter in float32, with what the model computes with: itself, or a copy in the model's type."""

    value: Tensor
    used: nn.Parameter
    #: None where the optimiser keeps none.
    moments: Moments | None

    def use(self) -> None:
        """Has the model compute with the value."""
        if self.used.data_ptr() != self.value.data_ptr():
            self.used.data.copy_(self.value)


def _groups(trained: list[Trained]) -> Iterator[list[Trained]]:
    """Neighbours that a step moves at once: small ones together, so that what a step makes besides stays below a quarter of a gigabyte or so."""
    group: list[Trained] = []
    for each in trained:
        if group and sum(other.value.numel() for other in group) + each.value.numel() > 1 << 25:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


class Trainer:
    """What is trained, by the client's names: adapters, or the model's own weights; their gradients and moments."""

    def __init__(self, model: Model, params: dict[str, Any], tensors: Tensors) -> None:
        self.model = model
        #: Scales of the adapters, by module.
        self.scales: dict[str, float] = params["scales"]
        self.dropout: float = params["dropout"]
        self.recompute: bool = params["recompute"]
        self.trained: dict[str, Trained] = {}
        kept = Moments.zero if params["moments"] else lambda _: None
        #: What `contrast.py` keeps of a pass until its gradients come.
        self.pending: Any = None
        #: The head as it was before training, where training moves the embeddings that it is tied to.
        self.head = model.root.get_output_embeddings().weight.detach().clone() if params["keepHead"] else None
        for name, scale in self.scales.items():
            a, b = (tensors[f"{name}.lora_{which}.weight"].to(model.device).clone() for which in "AB")
            adapted = model.linears[name]
            adapted.attach(a, b, scale, self.dropout > 0)
            for which, used in (("A", adapted.lora_A), ("B", adapted.lora_B)):
                self.trained[f"{name}.lora_{which}.weight"] = Trained(used.data, used, kept(used.data))
        parameters = model.parameters()
        for name in params["names"]:
            used = parameters[name]
            value = model.whole_weight(name)
            each = self.trained[name] = Trained(value, used, kept(value))
            each.use()
            used.requires_grad_(True)
        if self.recompute:
            _recompute(model.root)

    @contextmanager
    def during(self, batch: Batch, params: dict[str, Any], blocks: int) -> Iterator[None]:
        """What is in force on the way through so many blocks and back: what tokens see, dropout, and whether blocks are computed anew."""
        layers = self.model.sites.layers
        if params["keys"]:
            masks = Dropout(self.dropout, batch, params, blocks - 1)
            for name in self.scales:
                layer, module = self.model.placed(name)
                if layer < blocks:
                    self.model.linears[name].dropout = masks.of(name, layer, module)
        for block in layers:
            # Of the block alone: other modules would do more than to compute anew.
            block.training = self.recompute
        try:
            with seeing(batch.sight):
                yield
        finally:
            for block in layers:
                block.training = False
            for name in self.scales:
                self.model.linears[name].dropout = None

    def clear(self) -> None:
        """Forgets gradients, and passes that wait for theirs."""
        self.pending = None
        for each in self.trained.values():
            each.used.grad = None

    def gradients(self) -> dict[str, Tensor]:
        """Those that a pass has reached."""
        return {name: each.used.grad for name, each in self.trained.items() if each.used.grad is not None}

    @torch.no_grad()
    def update(self, step: dict[str, Any]) -> None:
        for group in _groups([*self.trained.values()]):
            # A trained parameter that no pass reached has no gradient to follow.
            gradients = [
                torch.zeros_like(each.value) if each.used.grad is None else each.used.grad.float() for each in group
            ]
            values = [each.value for each in group]
            moments = [each.moments for each in group if each.moments is not None]
            if moments:
                adamw(values, gradients, moments, step)
            else:
                sgd(values, gradients, step)
            for each in group:
                each.use()
        self.clear()

    def tensor(self, name: str) -> Tensor:
        """A parameter, or a moment of one (`m.…`, `v.…`)."""
        if name in self.trained:
            return self.trained[name].value
        which, _, parameter = name.partition(".")
        return getattr(self.trained[parameter].moments, which)

    @torch.no_grad()
    def put(self, name: str, value: Tensor) -> None:
        self.tensor(name).copy_(value)
        if name in self.trained:
            self.trained[name].use()

    def finish(self) -> None:
        """Makes what was learned part of the model, frozen."""
        for name, scale in self.scales.items():
            adapted = self.model.linears[name]
            adapted.freeze(adapted.lora_A.data, adapted.lora_B.data, scale)
        self.stop()

    def stop(self) -> None:
        """Leaves the model without what is trained beside it."""
        self.clear()
        for name in self.scales:
            self.model.linears[name].detach()
        for each in self.trained.values():
            each.used.requires_grad_(False)
        if self.recompute:
            _keep(self.model.root)


def _recompute(root: nn.Module) -> None:
    """Has the model compute its blocks anew on the way back, where they are in training. Versions of transformers differ in the name."""
    getattr(root, "activation_checkpointing_enable", root.gradient_checkpointing_enable)({"use_reentrant": False})


def _keep(root: nn.Module) -> None:
    getattr(root, "activation_checkpointing_disable", root.gradient_checkpointing_disable)()
