"""AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), on float32."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass
class Moments:
    m: Tensor
    v: Tensor

    @staticmethod
    def zero(like: Tensor) -> "Moments":
        return Moments(torch.zeros_like(like), torch.zeros_like(like))


def update(parameter: Tensor, gradient: Tensor, moments: Moments, step: dict[str, Any]) -> None:
    """
    m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g², p′ = p·(1 − ηλ) − η/(1−β₁ᵗ) · m′/(√v′/√(1−β₂ᵗ) + ε), in place, with g the gradient times `scale`.
    What follows from the step's number comes with it: `decay` 1 − ηλ, `rate` η/(1−β₁ᵗ), `root` 1/√(1−β₂ᵗ).
    """
    beta1, beta2 = step["betas"]
    g = gradient * step["scale"]
    moments.m.mul_(beta1).add_(g, alpha=1 - beta1)
    moments.v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    divisor = moments.v.sqrt().mul_(step["root"]).add_(step["epsilon"])
    parameter.mul_(step["decay"]).addcdiv_(moments.m, divisor, value=-step["rate"])
