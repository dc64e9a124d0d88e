"""Features of rows at layers, pooled."""

from typing import Any

import torch
from torch import Tensor

from .batch import Batch
from .forward import features_at
from .model import Model


def prompt_features(model: Model, batch: Batch, params: dict[str, Any]) -> dict[str, list[Tensor]]:
    """
    By layer, `<ℓ>`, for each row the features (positions, C) of its tokens at `positions`, counted from its own first one (negative ones are
    in the prefix), or their mean (1, C) where `mean` asks for it. The pass is through the first `blocks`, which is the highest layer.
    """
    found = features_at(model.sites, batch.ids(), batch.positions(), batch.sight, params["layers"])
    places = row_places(batch)
    return {str(layer): [pooled(x, own, params["mean"]) for own in places] for layer, x in found.items()}


def row_places(batch: Batch) -> list[list[int]]:
    """Places of each row's `positions` among all tokens; those of the prefix stand before it."""
    prefix = len(batch.prefix)
    return [
        [t + prefix if t < 0 else batch.place(b, t) for t in row["positions"]] for b, row in enumerate(batch.rows)
    ]


def pooled(x: Tensor, places: list[int], mean: bool) -> Tensor:
    """Features (N, C) at some places: (places, C), or their mean (1, C)."""
    chosen = x[torch.tensor(places, dtype=torch.long, device=x.device)].float()
    return chosen.mean(0, keepdim=True) if mean else chosen
