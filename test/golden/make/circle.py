"""Circle loss over pairs of a batch (Sun et al. 2020, equation 6), written out on its own."""

import torch
import torch.nn.functional as F


def cosines(embeddings: torch.Tensor) -> torch.Tensor:
    unit = F.normalize(embeddings, dim=-1)
    return unit @ unit.T


def pairwise_circle(embeddings: torch.Tensor, labels: torch.Tensor, margin: float, gamma: float) -> torch.Tensor:
    """One logarithm over all unordered pairs of the batch; the weights of the pairs carry no gradient."""
    similarity = cosines(embeddings)
    pairs = torch.triu(torch.ones_like(similarity, dtype=torch.bool), 1)
    same = labels[:, None] == labels[None]
    positive, negative = similarity[same & pairs], similarity[~same & pairs]
    weight_positive = (1 + margin - positive.detach()).clamp(min=0)
    weight_negative = (negative.detach() + margin).clamp(min=0)
    return F.softplus(
        torch.logsumexp(gamma * weight_negative * (negative - margin), 0)
        + torch.logsumexp(-gamma * weight_positive * (positive - 1 + margin), 0)
    )
