"""A linear module with low-rank updates: frozen ones of finished stages, and one that is trained."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class Adapted(nn.Module):
    """y = Wx + b + Σ scale·B(Ax). The updates lie in float32 and are computed in the type of x."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base
        """(A (r, in), B (out, r)) of finished stages, their ranks joined and scales folded into B; not a parameter."""
        self.finished: tuple[torch.Tensor, torch.Tensor] | None = None
        """(A, B, scale) of the stage that is trained."""
        self.trained: tuple[nn.Parameter, nn.Parameter, float] | None = None
        """Masks what A reads, during a pass of training."""
        self.dropout = None

    @property
    def weight(self) -> nn.Parameter:
        return self.base_layer.weight

    @property
    def bias(self) -> nn.Parameter | None:
        return self.base_layer.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.base_layer(x)
        if self.finished is not None:
            a, b = self.finished
            y = y + functional.linear(functional.linear(x, a.to(x.dtype)), b.to(x.dtype))
        if self.trained is not None:
            a, b, scale = self.trained
            read = x if self.dropout is None else self.dropout(x)
            y = y + functional.linear(functional.linear(read, a.to(x.dtype)), b.to(x.dtype)) * scale
        return y

    def freeze(self, a: torch.Tensor, b: torch.Tensor, scale: float) -> None:
        """Adds an update that stays."""
        parts = [] if self.finished is None else [self.finished]
        parts.append((a.detach(), b.detach() * scale))
        self.finished = torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts], 1)

    def merged(self) -> torch.Tensor:
        """W with the updates of finished stages, in float32."""
        weight = self.base_layer.weight.detach().float()
        if self.finished is None:
            return weight
        a, b = self.finished
        return weight + b @ a
