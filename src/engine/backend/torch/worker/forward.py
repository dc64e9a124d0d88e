"""Passes of a causal language model, whatever its family: what its head reads is chosen in front of the head, and what its blocks read is
taken where they read it."""

from contextlib import contextmanager
from typing import Iterator

from torch import Tensor, nn

from .attention import Sight, seeing


def logits_at(model: nn.Module, ids: Tensor, positions: Tensor, sight: Sight, rows: Tensor | None = None) -> Tensor:
    """Logits (M, V) of chosen tokens, by their places among the B·T of ids (B, T); of all of them where none are chosen. The head runs on
    these alone; scaling and caps are the model's own."""
    with _head_reads(model, rows), seeing(sight):
        output = model(input_ids=ids, position_ids=positions, use_cache=False)
    return output.logits


@contextmanager
def _head_reads(model: nn.Module, rows: Tensor | None) -> Iterator[None]:
    head = model.get_output_embeddings()

    def choose(_: nn.Module, args: tuple) -> tuple:
        hidden = args[0].reshape(-1, args[0].shape[-1])
        return (hidden if rows is None else hidden[rows], *args[1:])

    handle = head.register_forward_pre_hook(choose)
    try:
        yield
    finally:
        handle.remove()
