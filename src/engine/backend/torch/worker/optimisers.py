"""Steps of the optimisers, on float32: AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), and plain SGD."""

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


def sgd(parameters: list[Tensor], gradients: list[Tensor], step: dict[str, Any]) -> None:
    """p′ = p − `rate`·g, in place."""
    torch._foreach_add_(parameters, gradients, alpha=-step["rate"])


def adamw(parameters: list[Tensor], gradients: list[Tensor], moments: list[Moments], step: dict[str, Any]) -> None:
    """
    m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g², p′ = p·(1 − ηλ) − η/(1−β₁ᵗ) · m′/(√v′/√(1−β₂ᵗ) + ε), in place, with g the gradient times `scale`.
    What follows from the step's number comes with it: `decay` 1 − ηλ, `rate` η/(1−β₁ᵗ), `root` 1/√(1−β₂ᵗ).

    Many parameters at once: an adapter of a large model has hundreds of small ones, and a GPU would wait for each to be asked for.
    """
    beta1, beta2 = step["betas"]
    g = torch._foreach_mul(gradients, step["scale"])
    m = [each.m for each in moments]
    v = [each.v for each in moments]
    torch._foreach_mul_(m, beta1)
    torch._foreach_add_(m, g, alpha=1 - beta1)
    torch._foreach_mul_(v, beta2)
    torch._foreach_addcmul_(v, g, g, value=1 - beta2)
    divisor = torch._foreach_sqrt(v)
    torch._foreach_mul_(divisor, step["root"])
    torch._foreach_add_(divisor, step["epsilon"])
    torch._foreach_mul_(parameters, step["decay"])
    torch._foreach_addcdiv_(parameters, m, divisor, value=-step["rate"])
