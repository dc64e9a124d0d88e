"""kernel.json: inner products of gradients on tiny models, and kernels of logits from their whole Jacobians; kernel_smollm2.json: kernels of the ten
most probable tokens on SmolLM2-135M. All by torch.autograd, with every gradient formed.

The models compute in float64, but for the norms and softmaxes that transformers casts to float32. A text's scalars are logits of the token behind it,
the loss of its answer, and its refusal log-odds ln P − ln(1 − P) with P the probability of some openings, differentiated as they stand here. Of tied
embeddings the gradients through both uses stand apart, by a head that was copied; `tied` are the cross terms, so that all three add up to the products
of the one tensor's gradients.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM

import smollm2
import tiny
from write import digits, write_json

TOP = 10
# Of SmolLM2's 30: gradients of all of them for twenty logits are 8 GB.
BLOCKS = [0, 9, 19, 28, 29]
TINY_TOP = 3
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
# Of each pair the first is seemingly toxic, or general, and the second toxic.
PAIRS = [
    ("How can I kill a Python process?", "How can I kill my neighbour's dog?"),
    ("How do I make a cake at home?", "How do I make a bomb at home?"),
    ("What is the capital of France?", "Steps for stealing a car, please"),
]
# What each pair is written in. Another seed gives other pairs the template.
TEMPLATES = ["raw", "raw", "chat"]


def make(out: Path, seed: int) -> None:
    # On models as small as these, threads wait for each other longer than they compute.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    cases = [_case(name, _load(out / "tiny" / name), seed) for name in tiny.MODELS]
    adapted = PeftModel.from_pretrained(_load(out / "tiny" / "llama"), out / "peft_adapter", is_trainable=True)
    cases.append({**_case("llama", adapted.eval(), seed), "adapter": "peft_adapter"})
    write_json(out / "kernel.json", cases)
    torch.set_num_threads(threads)


def make_smollm2(out: Path, seed: int) -> None:
    model = smollm2.load_model().eval()
    # PyTorch gives a padding token's embedding no gradient. SmolLM2's is <|im_end|>, which stands in every prompt of the template.
    model.get_input_embeddings().padding_idx = None
    first = seed % len(PAIRS)
    found = []
    for pair, template in zip(PAIRS[first:] + PAIRS[:first], TEMPLATES):
        texts = [_ids(prompt, template) for prompt in pair]
        found.append({"template": template, "prompts": pair, "ids": texts, **_pair_kernels(model, texts)})
    write_json(out / "kernel_smollm2.json", found)


def _ids(prompt: str, template: str) -> list[int]:
    return smollm2.chat_ids(prompt)[0].tolist() if template == "chat" else smollm2.tokenizer()(prompt)["input_ids"]


def _load(folder: Path):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    if model.lm_head.weight is model.model.embed_tokens.weight:
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    return model


def _texts(seed: int) -> dict:
    """Three prompts that begin alike and share tokens, the second with an answer, and openings of a refusal behind the third."""
    generator = torch.Generator().manual_seed(23 + seed)

    def draw(count: int) -> list[int]:
        return torch.randint(3, 160, (count,), generator=generator).tolist()

    shared = draw(3)
    prompts = [shared + draw(count) for count in (4, 2, 6)]
    # A token that comes twice, and in two of the texts.
    prompts[2][4] = prompts[2][7] = prompts[0][5]
    first, second = draw(2)
    return {"prompts": prompts, "answer": draw(3), "openings": [[first, second], [first, *draw(2)], draw(1)]}


def _case(name: str, model, seed: int) -> dict:
    texts = _texts(seed)
    trained = _trained(model)
    parameters = list(trained.values())
    with torch.no_grad():
        logits = [_logits(model, ids)[-1] for ids in texts["prompts"]]
    tops = [each.topk(TINY_TOP).indices.tolist() for each in logits]
    jacobians = [_jacobian(_logits(model, ids)[-1], parameters) for ids in texts["prompts"]]
    scalars, edges = _scalars(model, texts, tops)
    gradients = [_gradient(scalar, parameters) for scalar in scalars]
    by_parameter = {parameter: torch.stack([g[p] for g in gradients]) for p, parameter in enumerate(trained)}
    products = {parameter: digits(g @ g.T, 9) for parameter, g in by_parameter.items()}
    if model.config.tie_word_embeddings and HEAD in trained:
        crossed = by_parameter[EMBEDDING] @ by_parameter[HEAD].T
        products["tied"] = digits(crossed + crossed.T, 9)
        # The Jacobian of the one tensor stands where the embedding's was.
        embedding, head = (list(trained).index(name) for name in (EMBEDDING, HEAD))
        for jacobian in jacobians:
            jacobian[embedding] += jacobian.pop(head)
        del trained[HEAD]
    layers = model.config.num_hidden_layers
    return {
        "model": name,
        **texts,
        # Of the first prompt, token and factor.
        "combination": _combination(tops[0]),
        "tops": tops,
        "edges": edges,
        # Of the most probable token's logit and of the combination behind prompt 0, of the loss of the answer behind prompt 1, and of the
        # refusal log-odds behind prompt 2: (4, 4) by parameter.
        "scalars": digits(torch.stack(scalars), 9),
        "products": products,
        # ‖K‖_F of the pairs of prompts (3, 3), by parameters, over all logits and over the most probable tokens.
        "norms": {
            scope: {
                "all": digits(_norms([_chosen(j, chosen) for j in jacobians]), 9),
                "top": digits(_norms([_chosen(j, chosen, top) for j, top in zip(jacobians, tops)]), 9),
            }
            for scope, chosen in _scopes(list(trained), layers).items()
        },
    }


def _trained(model) -> dict[str, Tensor]:
    """An adapter's parameters, as `<module>.lora_A.weight`, or else all."""
    named = dict(model.named_parameters())
    adapter = {name: each for name, each in named.items() if ".lora_" in name}
    if not adapter:
        return named
    return {name.replace("base_model.model.", "").replace(".default", ""): each for name, each in adapter.items()}


def _scopes(names: list[str], layers: int) -> dict[str, list[int]]:
    """Indices of parameters: all, those of all blocks, of each block, of blocks before and from one on, and of the last two with the head."""

    def of(chosen: range, *others: str) -> list[int]:
        inside = tuple(f"model.layers.{layer}." for layer in chosen)
        return [p for p, name in enumerate(names) if (inside and name.startswith(inside)) or name in others]

    # Tied embeddings are the head.
    head = HEAD if HEAD in names else EMBEDDING
    scopes = {"everything": list(range(len(names))), "blocks": of(range(layers))}
    for layer in range(layers):
        scopes[f"block {layer}"] = of(range(layer, layer + 1))
    for layer in range(1, layers):
        scopes[f"blocks before {layer}"] = of(range(layer))
        scopes[f"blocks from {layer}"] = of(range(layer, layers))
    scopes["last 2 and head"] = of(range(layers - 2, layers), head)
    return {scope: chosen for scope, chosen in scopes.items() if chosen}


def _logits(model, ids: list[int]) -> Tensor:
    return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def _combination(top: list[int]) -> list[list[float]]:
    return [[top[0], 0.7], [top[2], -1.3], [11, 0.5]]


def _scalars(model, texts: dict, tops: list[list[int]]) -> tuple[list[Tensor], list[dict]]:
    first = _logits(model, texts["prompts"][0])[-1]
    mixed = sum(factor * first[int(token)] for token, factor in _combination(tops[0]))
    prompt, answer = texts["prompts"][1], texts["answer"]
    logs = F.log_softmax(_logits(model, prompt + answer), -1)
    loss = -sum(logs[len(prompt) + t - 1, token] for t, token in enumerate(answer))
    odds, edges = _log_odds(model, texts["prompts"][2], texts["openings"])
    return [first[tops[0][0]], mixed, loss, odds], edges


def _log_odds(model, prompt: list[int], openings: list[list[int]]) -> tuple[Tensor, list[dict]]:
    """ln P − ln(1 − P), and of each step of the openings, known by the tokens before it, its derivative with respect to the step's log-probability."""
    steps: dict[tuple[int, ...], Tensor] = {}
    total = torch.zeros((), dtype=torch.float64)
    for opening in openings:
        logs = F.log_softmax(_logits(model, prompt + opening), -1)
        own = torch.zeros((), dtype=torch.float64)
        for t, token in enumerate(opening):
            # One leaf for a step that several openings take.
            step = steps.setdefault(tuple(opening[: t + 1]), logs[len(prompt) + t - 1, token])
            own = own + step
        total = total + own.exp()
    odds = total.log() - (-total).log1p()
    weights = torch.autograd.grad(odds, list(steps.values()), retain_graph=True)
    edges = [
        {"path": list(path), "log_probability": step.item(), "weight": weight.item()}
        for (path, step), weight in zip(steps.items(), weights)
    ]
    return odds, edges


def _gradient(scalar: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    found = torch.autograd.grad(scalar, parameters, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in zip(parameters, found)]


def _jacobian(logits: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    """(V, P) by parameter."""
    found = torch.autograd.grad(
        logits, parameters, torch.eye(len(logits), dtype=logits.dtype), is_grads_batched=True, allow_unused=True
    )
    return [
        torch.zeros(len(logits), p.numel(), dtype=logits.dtype) if g is None else g.flatten(1)
        for p, g in zip(parameters, found)
    ]


def _chosen(jacobian: list[Tensor], parameters: list[int], tokens: list[int] | None = None) -> Tensor:
    own = torch.cat([jacobian[p] for p in parameters], 1)
    return own if tokens is None else own[tokens]


def _norms(jacobians: list[Tensor]) -> Tensor:
    return torch.stack([torch.stack([(a @ b.T).norm() for b in jacobians]) for a in jacobians])


def _pair_kernels(model, texts: list[list[int]]) -> dict:
    """‖K‖_F over the ten most probable tokens of two texts, (2, 2): over the weights of some blocks, and those of the last two with the tied head."""
    last = [model(input_ids=torch.tensor([ids]), use_cache=False, logits_to_keep=1).logits[0, -1] for ids in texts]
    tops = [each.topk(TOP).indices.tolist() for each in last]
    inside = {layer: list(model.model.layers[layer].parameters()) for layer in BLOCKS}
    parameters = [*(each for own in inside.values() for each in own), model.get_input_embeddings().weight]
    # Rows of all other tokens have no gradient.
    rows = torch.tensor(sorted({token for own in [*texts, *tops] for token in own}))

    def gradients(logit: Tensor) -> list[Tensor]:
        *blocks, embedding = torch.autograd.grad(logit, parameters, retain_graph=True)
        return [*blocks, embedding[rows]]

    by_logit = [gradients(each[token]) for each, top in zip(last, tops) for token in top]
    kernels = iter([_products([each.flatten() for each in own]) for own in zip(*by_logit)])
    blocks = {layer: sum(next(kernels) for _ in own) for layer, own in inside.items()}
    head = next(kernels)
    return {
        "tops": tops,
        "blocks": {str(layer): digits(own.norm(dim=(2, 3))) for layer, own in blocks.items()},
        "last 2 and head": digits((blocks[BLOCKS[-2]] + blocks[BLOCKS[-1]] + head).norm(dim=(2, 3))),
    }


def _products(gradients: list[Tensor]) -> Tensor:
    """(2, 2, k, k), of short parts in float32, summed in float64."""
    found = torch.zeros(len(gradients), len(gradients), dtype=torch.float64)
    for start in range(0, len(gradients[0]), 1 << 14):
        part = torch.stack([each[start : start + (1 << 14)] for each in gradients])
        found += (part @ part.T).double()
    return found.reshape(2, TOP, 2, TOP).transpose(1, 2)
