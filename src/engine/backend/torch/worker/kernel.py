"""The kernel of linear probes."""

from typing import Any

from .frames import Tensors
from .state import State

"""Added to the variance of a feature, in units of the mean variance: a feature that never moves must not explode."""
VARIANCE_FLOOR = 1e-6


def kernel(state: State, _params: dict[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Z·Zᵀ/C (n, n) of `features` (n, C), Z standardised by the mean and deviation under `weights` (n)."""
    x, weights = tensors["features"].to(state.model.device), tensors["weights"].to(state.model.device).unsqueeze(1)
    centred = x - (x * weights).sum(0)
    variance = (centred.square() * weights).sum(0)
    z = centred / (variance + variance.mean() * VARIANCE_FLOOR + 1e-20).sqrt()
    return {}, {"kernel": z @ z.T / x.shape[1]}
