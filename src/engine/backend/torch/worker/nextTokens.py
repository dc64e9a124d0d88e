"""The distribution of the token behind a row."""

from typing import Any

import torch
from torch import Tensor

from .batch import Batch
from .forward import logits_at
from .model import Model


def next_tokens(model: Model, batch: Batch, _params: dict[str, Any]) -> dict[str, list[Tensor]]:
    """`logs`: for each row the log-probabilities (V) of the token behind it, in nats."""
    last = [batch.place(b, len(row["ids"]) - 1) for b, row in enumerate(batch.rows)]
    return {"logs": [*logits(model, batch, last).log_softmax(-1)]}


def logits(model: Model, batch: Batch, places: list[int]) -> Tensor:
    """Logits (M, V) of the tokens at some places of a batch, in float32."""
    rows = torch.tensor(places, dtype=torch.long, device=model.device)
    return logits_at(model.root, batch.ids(), batch.positions(), batch.sight, rows).float()
