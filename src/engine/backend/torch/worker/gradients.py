"""
Inner products of gradients of scalars, a tile of texts at a time and block by block.

A tile's texts go forward once, and then their scalars' gradients come down from the head, one block at a time (`tilePasses.py`): what the block's linear
modules and norms read and the gradients of what they give are taken, and the products of all rows of the tile are worked out from these. So nothing has
the shape of a weight.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .batch import Batch
from .errors import WorkerError
from .frames import Tensors
from .ghost import Read, embedding_products, tied_products, vector_products, weight_products
from .model import Model
from .state import State
from .tile import Pass, Tile, chosen, rows_of, sides
from .tilePasses import below_blocks, block_reads, forward

Answer = tuple[dict[str, Any], Tensors]


def begin(state: State, params: dict[str, Any], tensors: Tensors) -> Answer:
    """
    Begins a tile of rows with the `scope` that counts: `parts` of the weights, or an adapter's factors: `scales` by module with tensors
    `<module>.lora_<A|B>.weight`, or null for what is trained, or else what finished stages left.
    """
    model = state.model
    if state.ranks.lockstep:
        raise WorkerError(
            "request-invalid",
            "Products of gradients are not computed on weights in shares (torch.shard), where no process holds a whole block. Let each process hold all "
            "weights: --set torch.shard=replicate.",
        )
    scope = params["scope"]
    adapter = None
    if scope["of"] == "adapter":
        adapter = _given(model, scope["scales"], tensors) if scope["scales"] is not None else _own(model)
    state.tile = Tile(scope, adapter, above=model.sites.count)
    return {}, {}


def texts(state: State, params: dict[str, Any], tensors: Tensors) -> Answer:
    """
    Takes a batch of texts onto a `side` ("left", "right" or "both") of the tile, forward and back to the input of the final norm. A row says the
    `places` whose logits, or log-probabilities where it is `normalised`, its `scalars` are made of: of each scalar entries (place, token) with tensor
    `weights.<row>.<scalar>`, or null for all logits.
    """
    if state.ranks.rank > 0:
        return {}, {}
    model, tile = state.model, state.rows_of_gradients
    own = forward(model, tile, Batch.of(params, model.device), tensors)
    if params["side"] in ("left", "both"):
        tile.left.append(own)
    if params["side"] == "right":
        tile.right.append(own)
    if params["side"] == "both":
        tile.right = tile.left
    return {}, {}


def outside(state: State, _params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Products (rows of left, rows of right) of final norm and head, by part."""
    if state.ranks.rank > 0:
        return {}, {}
    tile = state.rows_of_gradients
    found: Tensors = {}
    if tile.wants("final-norm"):
        found["final-norm"] = vector_products(*sides(tile, lambda each: rows_of(each, each.final_norm)))
    if tile.wants("head"):
        found["head"] = chosen(tile, weight_products(*sides(tile, lambda each: each.head)))
    return {}, found


def layer(state: State, params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Products (rows of left, rows of right) of the parameters of the block `layer`, by part, or none where it does not `count`. Blocks come from the
    last one down."""
    if state.ranks.rank > 0:
        return {}, {}
    model, tile = state.model, state.rows_of_gradients
    if params["layer"] != tile.above - 1:
        raise WorkerError("request-invalid", f"Block {params['layer']} was asked for behind block {tile.above}.")
    tile.above = params["layer"]
    reads = {id(each): block_reads(model, tile, each, params["counts"]) for each in tile.passes()}
    return {}, _products(tile, reads) if params["counts"] else {}


def embedding(state: State, _params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Products (rows of left, rows of right) of the embedding, and the cross terms with the head that it is tied to; behind the first block."""
    if state.ranks.rank > 0:
        return {}, {}
    return {}, _embedding(state.model, state.rows_of_gradients)


def end(state: State, _params: dict[str, Any], _tensors: Tensors) -> Answer:
    """Forgets the tile."""
    state.tile = None
    return {}, {}


def _given(model: Model, scales: dict[str, float], tensors: Tensors) -> dict[str, tuple[Tensor, Tensor, float]]:
    def factor(name: str, which: str) -> Tensor:
        return tensors[f"{name}.lora_{which}.weight"].to(model.device)

    return {name: (factor(name, "A"), factor(name, "B") * scale, scale) for name, scale in scales.items()}


def _own(model: Model) -> dict[str, tuple[Tensor, Tensor, float]]:
    """What is trained, or else what finished stages left beside the weights, whose scales are in B."""
    trained = {
        name: (each.lora_A.detach(), each.lora_B.detach() * each.scale, each.scale)
        for name, each in model.linears.items()
        if each.lora_A is not None
    }
    finished = {
        name: (each.finished_A, each.finished_B, 1.0)
        for name, each in model.linears.items()
        if each.finished_A is not None
    }
    if not trained and not finished:
        raise WorkerError(
            "request-invalid",
            "The scope is the model's adapter, and it has none. Name one, or measure its weights.",
        )
    return trained or finished


def _products(tile: Tile, reads: dict[int, dict[str, Read | Tensor]]) -> Tensors:
    names = next(iter(reads.values())).keys()
    found: Tensors = {}
    vectors: dict[str, Tensor] = {}

    def add(part: str, products: Tensor) -> None:
        vectors[part] = vectors[part] + products if part in vectors else products

    for name in names:
        if isinstance(next(iter(reads.values()))[name], Tensor):
            part = "biases" if name.endswith(".bias") else "norms"
            add(part, vector_products(*sides(tile, lambda each: rows_of(each, reads[id(each)][name]))))
            continue
        if tile.adapter is not None:
            module = next(key for key in tile.adapter if key.endswith(f".{tile.above}.{name}"))
            a, b, scale = tile.adapter[module]
            for which, view in (("A", lambda each: _factor_a(each, b)), ("B", lambda each: _factor_b(each, a, scale))):
                both = sides(tile, lambda each: view(reads[id(each)][name]))
                found[f"{name}.lora_{which}"] = chosen(tile, weight_products(*both))
            continue
        if tile.wants("linears"):
            found[name] = chosen(tile, weight_products(*sides(tile, lambda each: reads[id(each)][name])))
    return found | vectors


def _factor_a(read: Read, b: Tensor) -> Read:
    """Of y = Wx + B(Ax), B with its scale: A reads x, and its gradient is Bᵀδ."""
    return Read(read.values, read.gradients.float() @ b.float())


def _factor_b(read: Read, a: Tensor, scale: float) -> Read:
    return Read(read.values.float() @ a.float().T, read.gradients.float() * scale)


def _embedding(model: Model, tile: Tile) -> Tensors:
    embedding = model.root.get_input_embeddings()
    reads: dict[int, Read] = {}
    for own in tile.passes():
        gradients = below_blocks(model, own)
        ids = own.batch.ids().view(len(own.batch), own.batch.length)
        reads[id(own)] = Read(ids, torch.stack([own.by_text(each) for each in gradients], 1).float())
    rows = sides(tile, lambda each: reads[id(each)])
    found = {"embedding": chosen(tile, embedding_products(*rows))}
    if tile.wants("head") and model.root.get_output_embeddings().weight is embedding.weight:
        heads = sides(tile, lambda each: each.head)
        found["tied"] = chosen(tile, tied_products((rows[0], heads[0]), (rows[1], heads[1])))
    return found
