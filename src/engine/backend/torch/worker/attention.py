"""How the tokens of a pass see each other: one attention function for every model, told by the sight in force.

transformers hands each layer's rotated queries, keys and values to a function registered by name (`AttentionInterface`). Ours asks the sight
what they see, so that padding, sliding windows, soft caps, trees of continuations and the key-value cache of generation are said once and not
by family. A model on it makes no masks of its own, because the name has no mask function.
"""

from contextlib import contextmanager
from typing import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "discern"


class Sight:
    """What the queries of a pass see."""

    def __init__(self) -> None:
        self._masks: dict[int | None, Tensor | None] = {}
        self._biases: dict[tuple[int | None, torch.dtype], Tensor] = {}

    def seen(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, K, P, D) that the layer's queries choose from, given those of the tokens that are run."""
        return key, value

    def visible(self, window: int | None) -> Tensor | None:
        """(B or 1, 1, T, P) bool, true where seen; None where each token sees itself and all before it in its row."""
        raise NotImplementedError

    def attended(
        self,
        layer: int,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        window: int | None,
        scaling: float | None,
        softcap: float | None,
    ) -> Tensor:
        """What the layer's queries (B, H, T, D) take from its values: (B, H, T, D)."""
        key, value = self.seen(layer, key, value)
        if softcap is not None:
            return _capped(query, key, value, self.mask(window), scaling, softcap)
        return _scaled(query, key, value, self.bias(window, query.dtype), scaling)

    def mask(self, window: int | None) -> Tensor | None:
        """What `visible` says, worked out once for all layers of a pass."""
        if window not in self._masks:
            self._masks[window] = self.visible(window)
        return self._masks[window]

    def bias(self, window: int | None, dtype: torch.dtype) -> Tensor | None:
        """The same as what is added to scores."""
        mask = self.mask(window)
        if mask is None:
            return None
        if (window, dtype) not in self._biases:
            zero = torch.zeros((), dtype=dtype, device=mask.device)
            self._biases[(window, dtype)] = torch.where(mask, zero, -torch.inf)
        return self._biases[(window, dtype)]


class Rows(Sight):
    """Rows padded on the right: each token sees itself and what comes before it in its row. Padding is seen by nobody."""

    def __init__(self, length: int, device: torch.device):
        super().__init__()
        self.length = length
        self.device = device

    def visible(self, window: int | None) -> Tensor | None:
        if window is None or window >= self.length:
            return None
        causal = torch.ones(self.length, self.length, dtype=torch.bool, device=self.device).tril()
        return causal.triu(1 - window)[None, None]


_sight: Sight | None = None


@contextmanager
def seeing(sight: Sight) -> Iterator[None]:
    """The sight in force for the passes of a model inside."""
    global _sight
    before = _sight
    _sight = sight
    try:
        yield
    finally:
        _sight = before


@torch.compiler.disable
def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: object,
) -> tuple[Tensor, None]:
    """Queries (B, H, T, D), keys and values (B, K, T, D) → (B, T, H, D), as `AttentionInterface` asks for it."""
    if _sight is None:
        raise RuntimeError("a model was run without saying what its tokens see (attention.seeing)")
    attended = _sight.attended(module.layer_idx, query, key, value, sliding_window, scaling, softcap)
    return attended.transpose(1, 2).contiguous(), None


def _scaled(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scaling: float | None) -> Tensor:
    """(B, H, T, D) of queries, and keys and values (B, K, P, D) that H/K heads share; causal where there is no bias."""
    batch, heads, length, width = query.shape
    groups = heads // key.shape[1]
    if bias is None:
        return F.scaled_dot_product_attention(
            query, key, value, is_causal=length > 1, scale=scaling, enable_gqa=groups > 1
        )
    if groups > 1 and length == 1:
        # Heads that share keys stand where tokens do: nothing is repeated.
        grouped = query.reshape(batch, key.shape[1], groups, width)
        attended = F.scaled_dot_product_attention(grouped, key, value, attn_mask=bias, scale=scaling)
        return attended.reshape(batch, heads, 1, value.shape[3])
    if groups > 1:
        key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=scaling)


def _capped(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float | None, softcap: float
) -> Tensor:
    """With scores s bounded to softcap·tanh(s/softcap) before the mask, in the precision that transformers has."""
    batch, heads, length, width = query.shape
    groups = heads // key.shape[1]
    # Grouped, so that keys are not repeated: (B, K, G, T, D) against (B, K, 1, P, D).
    grouped = query.reshape(batch, key.shape[1], groups, length, width)
    scale = width**-0.5 if scaling is None else scaling
    scores = torch.matmul(grouped, key[:, :, None].transpose(-1, -2)) * scale
    scores = softcap * torch.tanh(scores / softcap)
    if mask is None:
        mask = torch.ones(length, key.shape[2], dtype=torch.bool, device=query.device).tril()[None, None]
    scores = scores.masked_fill(~mask[:, :, None], torch.finfo(scores.dtype).min)
    weights = F.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return torch.matmul(weights, value[:, :, None]).reshape(batch, heads, length, value.shape[3])


AttentionInterface.register(NAME, attend)
