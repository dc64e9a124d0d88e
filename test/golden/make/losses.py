"""losses.json: metric-learning losses and their gradients with respect to the embeddings before normalisation."""

from pathlib import Path

import torch
from pytorch_metric_learning import losses as pml

from circle import pairwise_circle
from write import digits, write_json

def circle(margin: float, gamma: float, form: str) -> dict:
    return {"type": "circle", "form": form, "margin": margin, "gamma": gamma}


def pairwise(margin: float, gamma: float):
    return lambda x, labels: pairwise_circle(x, labels, margin, gamma)


def simclr(temperature: float):
    """SimCLR's NT-Xent, written as the cross-entropy over all others of the batch that its authors' code takes, for every positive pair."""

    def loss(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        unit = torch.nn.functional.normalize(x)
        own = torch.eye(len(x), dtype=torch.bool)
        logits = (unit @ unit.T / temperature).masked_fill(own, -torch.inf)
        anchors, partners = torch.where((labels[:, None] == labels[None, :]) & ~own)
        return torch.nn.functional.cross_entropy(logits[anchors], partners)

    return loss


# The reference, and the options in a recipe that it computes.
LOSSES = {
    "circle_m025_g256": (pml.CircleLoss(m=0.25, gamma=256), circle(0.25, 256, "anchor")),
    "circle_m025_g80": (pml.CircleLoss(m=0.25, gamma=80), circle(0.25, 80, "anchor")),
    "circle_m04_g32": (pml.CircleLoss(m=0.4, gamma=32), circle(0.4, 32, "anchor")),
    "ntxent_t007": (pml.NTXentLoss(temperature=0.07), {"type": "ntxent", "temperature": 0.07}),
    "simclr_t05": (simclr(0.5), {"type": "ntxent", "temperature": 0.5, "denominator": "all"}),
    "supcon_t01": (pml.SupConLoss(temperature=0.1), {"type": "supcon", "temperature": 0.1}),
    "triplet_m02_euclid": (pml.TripletMarginLoss(margin=0.2), {"type": "triplet", "mining": "all", "margin": 0.2}),
    "multi_similarity": (
        pml.MultiSimilarityLoss(alpha=2, beta=50, base=0.5),
        {"type": "multi-similarity", "alpha": 2, "beta": 50, "base": 0.5},
    ),
    "multi_similarity_soft": (
        pml.MultiSimilarityLoss(alpha=4, beta=10, base=0.3),
        {"type": "multi-similarity", "alpha": 4, "beta": 10, "base": 0.3},
    ),
    "circle_pairwise_m0.25_g256": (pairwise(0.25, 256.0), circle(0.25, 256, "global")),
    "circle_pairwise_m0.25_g32": (pairwise(0.25, 32.0), circle(0.25, 32, "global")),
}


def make(out: Path, seed: int) -> None:
    generator = torch.Generator().manual_seed(100 + seed)
    entries = []
    # Embeddings, their width, and how many of them carry the first label.
    for count, width, first in [(6, 8, 3), (12, 16, 4), (24, 32, 12)]:
        embeddings = torch.randn(count, width, generator=generator)
        labels = torch.tensor([0] * first + [1] * (count - first))
        for name, (loss_of, options) in LOSSES.items():
            leaf = embeddings.clone().requires_grad_(True)
            loss = loss_of(leaf, labels)
            loss.backward()
            entries.append(
                {
                    "loss": name,
                    "options": options,
                    "n": count,
                    "d": width,
                    "labels": labels.tolist(),
                    "embeddings": digits(embeddings),
                    "value": loss.item(),
                    "grad": digits(leaf.grad),
                }
            )
    write_json(out / "losses.json", entries)
