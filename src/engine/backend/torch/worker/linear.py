"""A linear module with low-rank updates: frozen ones of finished stages, and one that is trained."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .sharding import add_product, whole


class Adapted(nn.Module):
    """
    y = Wx + b + Σ scale·B(Ax). Updates lie in float32 and are computed in the type of x. Those of finished stages are merged into W where that
    is float32, and stay beside it where it is not: rounding W + scale·BA to bfloat16 would lose much of them.
    """

    def __init__(self, base_layer: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base_layer
        #: A (r, in) and B (out, r) of finished stages, their ranks joined and scales folded into B.
        self.register_buffer("finished_A", None, persistent=False)
        self.register_buffer("finished_B", None, persistent=False)
        #: Of the stage that is trained.
        self.lora_A: nn.Parameter | None = None
        self.lora_B: nn.Parameter | None = None
        self.scale = 1.0
        self.masked = False
        #: Masks what A reads, during a pass of training.
        self.dropout: Callable[[Tensor], Tensor] | None = None

    @property
    def weight(self) -> nn.Parameter:
        return self.base_layer.weight

    @property
    def bias(self) -> nn.Parameter | None:
        return self.base_layer.bias

    def forward(self, x: Tensor) -> Tensor:
        y = self.base_layer(x)
        if self.finished_A is not None:
            y = y + _low_rank(x, self.finished_A, self.finished_B)
        if self.lora_A is not None:
            read = self._dropped(x) if self.masked else x
            y = y + _low_rank(read, self.lora_A, self.lora_B) * self.scale
        return y

    @torch.compiler.disable
    def _dropped(self, x: Tensor) -> Tensor:
        """Masks are another function in every pass, for which a block would be compiled anew."""
        return x if self.dropout is None else self.dropout(x)

    def attach(self, a: Tensor, b: Tensor, scale: float, masked: bool) -> None:
        """Begins to train an update, with dropout or without."""
        self.masked = masked
        self.lora_A, self.lora_B, self.scale = nn.Parameter(a), nn.Parameter(b), scale

    def detach(self) -> None:
        """Takes the update off that is trained."""
        self.lora_A = self.lora_B = None

    @torch.no_grad()
    def freeze(self, a: Tensor, b: Tensor, scale: float) -> None:
        """Adds an update that stays."""
        weight = self.base_layer.weight
        if weight.dtype == torch.float32:
            add_product(weight, b, a, scale)
        elif self.finished_A is None:
            self.finished_A, self.finished_B = a.detach().clone(), b.detach() * scale
        else:
            self.finished_A = torch.cat([self.finished_A, a.detach()])
            self.finished_B = torch.cat([self.finished_B, b.detach() * scale], 1)

    @torch.no_grad()
    def merged(self) -> Tensor:
        """W with the updates of finished stages, in float32."""
        weight = whole(self.base_layer.weight.detach()).float()
        return weight if self.finished_A is None else weight + self.finished_B @ self.finished_A

    def replace(self) -> None:
        """Forgets the updates of finished stages: W is put in the place of all."""
        self.finished_A = self.finished_B = None


def _low_rank(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return functional.linear(functional.linear(x, a.to(x.dtype)), b.to(x.dtype))
