"""
Passes of a tile's texts: once forward, where what each block reads is kept, and down one block at a time, where the block is computed anew from what it
read and only the gradients at its input are kept. So memory holds one block of the tile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .attention import seeing
from .batch import Batch
from .compiled import as_written
from .errors import WorkerError
from .forward import logits_at
from .frames import Tensors
from .ghost import Read
from .linear import Adapted
from .model import Model
from .tile import Pass, Tile


@contextmanager
def _frozen(root: nn.Module) -> Iterator[None]:
    """Nothing is trained meanwhile, so that passes keep no more than gradients of activations need."""
    trained = [each for each in root.parameters() if each.requires_grad]
    for each in trained:
        each.requires_grad_(False)
    try:
        yield
    finally:
        for each in trained:
            each.requires_grad_(True)


def forward(model: Model, tile: Tile, batch: Batch, tensors: Tensors) -> Pass:
    sites, root = model.sites, model.root
    scalars = [row["scalars"] for row in batch.rows]
    most = max(len(each) for each in scalars)
    own = Pass(batch, [b * most + s for b, each in enumerate(scalars) for s in range(len(each))])
    kept: dict[str, Tensor] = {}

    def keep(_: nn.Module, args: tuple, kwargs: dict) -> None:
        own.inputs.append((args[0] if args else kwargs["hidden_states"]).detach())
        own.calls.append((args[1:], {name: each for name, each in kwargs.items() if name != "hidden_states"}))

    def leaf(name: str) -> Callable:
        def hook(_: nn.Module, args: tuple) -> tuple:
            kept[name] = args[0].detach().requires_grad_()
            return (kept[name], *args[1:])

        return hook

    def result(name: str) -> Callable:
        return lambda _module, args, output: kept.update({name: output, f"{name} reads": args[0]})

    head = root.get_output_embeddings()
    places, take = _places(batch)
    with ExitStack() as stack:
        for context in (torch.enable_grad(), _frozen(root), as_written()):
            stack.enter_context(context)
        for block in sites.layers:
            stack.callback(block.register_forward_pre_hook(keep, with_kwargs=True).remove)
        stack.callback(sites.final_norm.register_forward_pre_hook(leaf("states")).remove)
        stack.callback(sites.final_norm.register_forward_hook(result("normed")).remove)
        rows = torch.tensor(places, dtype=torch.long, device=model.device)
        stack.callback(head.register_forward_hook(result("raw")).remove)
        logits = logits_at(root, batch.ids(), batch.positions(), batch.sight, rows).float()
        wanted = [kept["states"]]
        wanted += [kept[name] for name, part in (("normed", "final-norm"), ("raw", "head")) if tile.wants(part)]
        normed, raw = [], []
        for slot in range(most):
            value = sum(
                _scalar(each[slot], logits[take[b]], tensors[f"weights.{b}.{slot}"], batch.rows[b]["normalised"])
                for b, each in enumerate(scalars)
                if slot < len(each)
            )
            states, *rest = torch.autograd.grad(value, wanted, retain_graph=slot + 1 < most)
            own.residual.append(states)
            if tile.wants("final-norm"):
                normed.append(rest.pop(0))
            if tile.wants("head"):
                raw.append(rest.pop(0))
    if normed:
        own.final_norm = _norm_gradients(own, sites.final_norm, kept["normed reads"], normed)
    if raw:
        own.head = _head_reads(kept["raw reads"].detach(), torch.stack(raw), take)
    return own


def _places(batch: Batch) -> tuple[list[int], list[slice]]:
    """Tokens whose logits the scalars need, and which of them are each text's."""
    places: list[int] = []
    take: list[slice] = []
    for b, row in enumerate(batch.rows):
        take.append(slice(len(places), len(places) + len(row["places"])))
        places += [batch.place(b, token) for token in row["places"]]
    return places, take


def _scalar(entries: list[list[int]] | None, logits: Tensor, weights: Tensor, normalised: bool) -> Tensor:
    """Σ weight·x[place, token] of a text's logits x (places, V) or, `normalised`, its log-probabilities; of all logits of its only place without entries."""
    x = logits.log_softmax(-1) if normalised else logits
    weights = weights.to(x.device)
    if entries is None:
        return x[0] @ weights
    places = torch.tensor(entries, dtype=torch.long, device=x.device)
    return x[places[:, 0], places[:, 1]] @ weights


def _head_reads(values: Tensor, gradients: Tensor, take: list[slice]) -> Read:
    """What the head read, (M, C), with gradients (S, M, V), by text, padded to as many places as the text with most has."""
    longest = max(each.stop - each.start for each in take)

    def padded(x: Tensor, each: slice) -> Tensor:
        return nn.functional.pad(x[..., each, :], (0, 0, 0, longest - (each.stop - each.start)))

    return Read(
        torch.stack([padded(values, each) for each in take]).float(),
        torch.stack([padded(gradients, each) for each in take]),
    )


def block_reads(model: Model, tile: Tile, own: Pass, counts: bool) -> dict[str, Read | Tensor]:
    """
    Takes the gradients of a pass through the block below, and returns by part what its linear modules read and the gradients of what they gave, and
    gradients of parameters that are vectors, (B, S, size).
    """
    sites = model.sites
    block = sites.layers[tile.above]
    args, kwargs = own.calls.pop()
    modules = _modules(model, tile) if counts else {}
    kept: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Callable:
        return lambda _module, given, output: kept.update({name: (given[0].detach(), output)})

    with ExitStack() as stack:
        for context in (torch.enable_grad(), _frozen(model.root), as_written(), seeing(own.batch.sight)):
            stack.enter_context(context)
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(keep(name)).remove)
        x = own.inputs.pop().requires_grad_()
        output = block(x, *args, **kwargs)
        output = output[0] if isinstance(output, tuple) else output
        outputs = [each for _, each in kept.values()]
        slots = len(own.residual)
        found: list[tuple[Tensor, ...]] = []
        for slot in range(slots):
            gradients = torch.autograd.grad(output, [x, *outputs], own.residual[slot], retain_graph=slot + 1 < slots)
            own.residual[slot] = gradients[0]
            found.append(gradients[1:])
    by_name = {name: [each[i] for each in found] for i, name in enumerate(kept)}
    reads: dict[str, Read | Tensor] = {}
    for name, gradients in by_name.items():
        values = kept[name][0]
        if isinstance(modules[name], Adapted):
            stacked = torch.stack([own.by_text(each) for each in gradients], 1)
            reads[name] = Read(own.by_text(values), stacked)
            if tile.wants("biases") and modules[name].bias is not None:
                reads[f"{name}.bias"] = stacked.float().sum(2)
        else:
            reads[name] = _norm_gradients(own, modules[name], values, gradients)
    return reads


def _modules(model: Model, tile: Tile) -> dict[str, nn.Module]:
    """The modules of the block below whose parameters count, by name within the block."""
    sites = model.sites
    block = sites.layers[tile.above]
    linears = {name: block.get_submodule(name) for name in sites.naming.linears}
    if tile.adapter is not None:
        prefix = f"{sites.naming.layers}.{tile.above}."
        return {name: each for name, each in linears.items() if prefix + name in tile.adapter}
    found: dict[str, nn.Module] = {}
    if tile.wants("linears"):
        found |= linears
    elif tile.wants("biases"):
        found |= {name: each for name, each in linears.items() if each.bias is not None}
    if tile.wants("norms"):
        inside = {id(part) for each in linears.values() for part in each.modules()}
        for name, module in block.named_modules():
            own = dict(module.named_parameters(recurse=False))
            if not own or id(module) in inside:
                continue
            if "norm" not in type(module).__name__.lower():
                raise WorkerError(
                    "architecture-unsupported",
                    f"Gradients of {name} ({type(module).__name__}) are not known to the PyTorch backend: it is neither a linear module nor a norm. Leave "
                    'the part "norms" out of the scope.',
                )
            found[name] = module
    return found


def _norm_gradients(own: Pass, norm: nn.Module, values: Tensor, gradients: list[Tensor]) -> Tensor:
    """(B, S, size) of a norm's parameters. Its output is affine in its weight, whose factor two passes tell, whatever the norm's form."""
    tokens = own.batch.length * len(own.batch)
    if values.shape[1] != tokens:
        raise WorkerError(
            "architecture-unsupported",
            f"A {type(norm).__name__} reads heads before tokens, which the PyTorch backend does not know. Leave norms out of the scope.",
        )
    weight = getattr(norm, "weight", None)
    if weight is None:
        return torch.zeros(len(own.batch), len(gradients), 0, device=values.device)
    with torch.no_grad():
        others = {name: torch.zeros_like(each) for name, each in norm.named_parameters() if name != "weight"}
        one, zero = (
            functional_call(norm, {"weight": torch.full_like(weight, value), **others}, (values.detach(),))
            for value in (1.0, 0.0)
        )
        factor = (one - zero).float()
        found = []
        for gradient in gradients:
            along = (gradient.float() * factor).reshape(tokens, -1, weight.numel()).sum(1)
            parts = [along, *([gradient.float().reshape(tokens, -1, weight.numel()).sum(1)] if others else [])]
            found.append(own.by_text(torch.cat(parts, -1)).sum(1))
        return torch.stack(found, 1)


def below_blocks(model: Model, own: Pass) -> list[Tensor]:
    """Gradients (1, N, C) with respect to rows of the embedding's weight, through what a family does with them before its first block."""
    embedding = model.root.get_input_embeddings()
    kept: dict[str, Tensor] = {}

    class Reached(Exception):
        """The first block is reached."""

    def rows(_: nn.Module, args: tuple, output: Tensor) -> Tensor:
        kept["rows"] = embedding.weight[args[0]].detach().requires_grad_()
        # What the module itself does with a row, such as a factor, is linear.
        factor = getattr(embedding, "embed_scale", None)
        return kept["rows"] if factor is None else kept["rows"] * factor.to(output.dtype)

    def reached(_: nn.Module, args: tuple, kwargs: dict) -> None:
        kept["states"] = args[0] if args else kwargs["hidden_states"]
        raise Reached

    with ExitStack() as stack:
        for context in (torch.enable_grad(), _frozen(model.root), as_written()):
            stack.enter_context(context)
        stack.callback(embedding.register_forward_hook(rows).remove)
        stack.callback(model.sites.layers[0].register_forward_pre_hook(reached, with_kwargs=True).remove)
        try:
            logits_at(model.root, own.batch.ids(), own.batch.positions(), own.batch.sight)
        except Reached:
            pass
        slots = len(own.residual)
        return [
            torch.autograd.grad(kept["states"], kept["rows"], each, retain_graph=slot + 1 < slots)[0]
            for slot, each in enumerate(own.residual)
        ]
