"""
Weights in shares: each rank holds a part of every weight, and a block's are gathered for as long as it runs (FSDP2). All ranks have to run the
same passes, so one without rows of its own runs a row that does not count.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from .batch import Batch
from .ranks import Ranks


def shard(root: nn.Module, blocks: Iterable[nn.Module], ranks: Ranks, device: torch.device) -> None:
    """Gives each rank its share of the weights, on its device. What is added later, such as adapters, stays whole on every rank."""
    mesh = init_device_mesh(device.type, (ranks.size,))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    # With embeddings and head, which may be tied and are not sharded alone.
    fully_shard(root, mesh=mesh)
    ranks.lockstep = True


def whole(weight: Tensor) -> Tensor:
    """All of a weight. All ranks have to ask for it."""
    return weight.full_tensor() if isinstance(weight, DTensor) else weight


@torch.no_grad()
def put(weight: Tensor, value: Tensor) -> None:
    """Puts a whole value in the place of a weight, or of this rank's share of it."""
    weight.copy_(_like(weight, value))


@torch.no_grad()
def add_product(weight: Tensor, b: Tensor, a: Tensor, scale: float) -> None:
    """Adds scale·BA to a weight, or to this rank's share of it."""
    if isinstance(weight, DTensor):
        weight.add_(_like(weight, b @ a * scale))
    else:
        weight.addmm_(b, a, alpha=scale)


def _like(weight: Tensor, value: Tensor) -> Tensor:
    if not isinstance(weight, DTensor):
        return value
    return distribute_tensor(value.to(weight.device, weight.dtype), weight.device_mesh, weight.placements)


def own_rows(ranks: Ranks, batch: Batch) -> tuple[Batch, bool]:
    """This rank's rows of a batch, and whether they count: without rows of its own it has none, or, in lockstep, the first one."""
    share = ranks.share(len(batch))
    if len(share) > 0 or not ranks.lockstep:
        return batch.take(share), True
    return batch.take(range(min(1, len(batch)))), False
