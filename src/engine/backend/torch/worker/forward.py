"""Passes of a causal language model, whatever its family: what its head reads is chosen in front of the head, and what its blocks read is
taken where they read it. The root is what is called, as sharding wants it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from .attention import Rows, Sight, seeing
from .compiled import as_written
from .sites import Sites


def logits_at(model: nn.Module, ids: Tensor, positions: Tensor, sight: Sight, rows: Tensor | None = None) -> Tensor:
    """Logits (M, V) of chosen tokens, by their places among the B·T of ids (B, T); of all of them where none are chosen. The head runs on
    these alone; scaling and caps are the model's own."""
    with _head_reads(model, rows), seeing(sight):
        output = model(input_ids=ids, position_ids=positions, use_cache=False)
    return output.logits


def features_at(
    sites: Sites, ids: Tensor, positions: Tensor, sight: Sight, layers: Iterable[int]
) -> dict[int, Tensor]:
    """What blocks read of all tokens of ids (B, T), by layer, (B·T, C). Blocks from the highest layer on are not run. It has to be called within
    `first_blocks`."""
    found: dict[int, Tensor] = {}

    def keep(layer: int):
        def hook(_module: nn.Module, args: tuple, kwargs: dict) -> None:
            x = args[0] if args else kwargs["hidden_states"]
            found[layer] = x.reshape(-1, x.shape[-1])

        return hook

    layers = list(layers)
    with ExitStack() as stack:
        if min(layers) < len(sites.model.get_submodule(sites.naming.layers)):
            stack.enter_context(as_written())
        for layer in layers:
            module = sites.place("block-input", layer).module
            stack.callback(module.register_forward_pre_hook(keep(layer), with_kwargs=True).remove)
        # The head is the root's to run; one token is little.
        logits_at(sites.model, ids, positions, sight, torch.zeros(1, dtype=torch.long, device=ids.device))
    return found


@contextmanager
def first_blocks(sites: Sites, count: int) -> Iterator[None]:
    """The model without the blocks from `count` on: what the next one would read goes to the final norm, which hands it on as it is."""
    layers, norm = sites.naming.layers, sites.naming.final_norm
    whole = sites.layers, sites.final_norm
    sites.model.set_submodule(layers, whole[0][:count])
    sites.model.set_submodule(norm, nn.Identity())
    try:
        yield
    finally:
        sites.model.set_submodule(layers, whole[0])
        sites.model.set_submodule(norm, whole[1])


def lens(sites: Sites, features: Tensor) -> Tensor:
    """Logits (M, V) that the final norm and the head read from features (M, C), without the blocks between (a logit lens)."""
    norm = sites.final_norm
    given = features.to(sites.model.dtype)[None]
    device = features.device
    with first_blocks(sites, 0), ExitStack() as stack:
        sites.model.set_submodule(sites.naming.final_norm, norm)
        stack.callback(norm.register_forward_pre_hook(lambda _module, _args: (given,)).remove)
        one = torch.zeros(1, 1, dtype=torch.long, device=device)
        return logits_at(sites.model, one, one, Rows(1, device))


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
