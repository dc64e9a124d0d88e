"""Tries behind rows: a row and behind it the whole tree go through the model once."""

from typing import Any

import torch
from torch import Tensor

from .batch import Batch
from .model import Model
from .nextTokens import logits


def score(model: Model, batch: Batch, params: dict[str, Any]) -> dict[str, list[Tensor]]:
    """
    `logProbabilities`: for each row those of its edges, (E), in nats. An edge leaves a token of the row's tree, or the end of its text (−1):
    `edges` are pairs of this and the token that is asked for. `entropies`, where `entropy` asks for them: of the token behind the text, (1).
    """
    places: list[int] = []
    starts: list[int] = []
    for b, row in enumerate(batch.rows):
        starts.append(len(places))
        places += [batch.place(b, row["own"] - 1 + i) for i in range(1 + len(row["parents"]))]
    logs = logits(model, batch, places).log_softmax(-1)
    found: dict[str, list[Tensor]] = {"logProbabilities": []}
    for start, row in zip(starts, batch.rows, strict=True):
        edges = torch.tensor(row["edges"], dtype=torch.long, device=logs.device).reshape(-1, 2)
        found["logProbabilities"].append(logs[start + 1 + edges[:, 0], edges[:, 1]])
    if params["entropy"]:
        found["entropies"] = [*torch.special.entr(logs[starts].exp()).sum(-1).split(1)]
    return found
