"""Next-token losses of answers."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .batch import Batch
from .model import Model
from .nextTokens import logits


def surprisals(model: Model, batch: Batch) -> list[Tensor]:
    """For each row −log p of its labelled tokens, those from `labelled` on, counted from its own first one."""
    places: list[int] = []
    labels: list[int] = []
    counts: list[int] = []
    for b, row in enumerate(batch.rows):
        ids, first = row["ids"], row["labelled"]
        # The token before predicts a label.
        places += [batch.place(b, t - 1) for t in range(first, len(ids))]
        labels += ids[first:]
        counts.append(len(ids) - first)
    targets = torch.tensor(labels, dtype=torch.long, device=model.device)
    found = functional.cross_entropy(logits(model, batch, places), targets, reduction="none")
    return [*found.split(counts)]


def answer_losses(model: Model, batch: Batch, _params: dict[str, Any]) -> dict[str, list[Tensor]]:
    """`surprisals`: for each row those of its labelled tokens."""
    return {"surprisals": surprisals(model, batch)}
