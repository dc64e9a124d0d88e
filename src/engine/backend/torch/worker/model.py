"""A model of transformers with its sites, and its weights by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .linear import Adapted
from .sharding import whole
from .sites import Sites


class Model:
    """A decoder with its sites. Every linear module that an adapter may change is an `Adapted`."""

    def __init__(self, root: nn.Module, device: torch.device) -> None:
        self.root = root
        self.device = device
        self.sites = Sites(root)
        #: By full name, such as `model.layers.0.self_attn.q_proj`.
        self.linears: dict[str, Adapted] = {}
        for layer, block in enumerate(self.sites.layers):
            for name in self.sites.naming.linears:
                adapted = Adapted(block.get_submodule(name))
                block.set_submodule(name, adapted)
                self.linears[f"{self.sites.naming.layers}.{layer}.{name}"] = adapted

    def placed(self, name: str) -> tuple[int, str]:
        """The layer of a linear module, and its name within the block."""
        layer, module = name.removeprefix(f"{self.sites.naming.layers}.").split(".", 1)
        return int(layer), module

    def merged_weight(self, name: str) -> Tensor:
        """A weight in float32, with finished adapters; not a copy where it is that already."""
        adapted = self.linears.get(name.removesuffix(".weight"))
        return whole(self.parameters()[name].detach()).float() if adapted is None else adapted.merged()

    def whole_weight(self, name: str) -> Tensor:
        """The same, and from now on it stands for what adapters did: it is to be put in the weight's place."""
        value = self.merged_weight(name)
        adapted = self.linears.get(name.removesuffix(".weight"))
        if adapted is not None:
            adapted.replace()
        return value

    def parameters(self) -> dict[str, nn.Parameter]:
        """The model's own, by their Hugging Face names; tied embeddings once."""
        named = self.root.named_parameters()
        return {name.replace(".base_layer.", "."): p for name, p in named if ".lora_" not in name}
