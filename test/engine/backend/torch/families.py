"""Holds every naming row of the worker (sites.py) to transformers, on a small random model of its family: prints a JSON object by model type.

`logits`: the furthest logit of padded rows from those of transformers' own attention. `residual`: the furthest that a block's input and what is
added to it are from the next block's input. `linears`: the linear modules of a block that the row names, and that there are. `greedy`: whether
answers are those of transformers' `generate`.
"""

import json

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging
from worker.attention import NAME
from worker.batch import Batch
from worker.forward import logits_at
from worker.generation import answered
from worker.growing import Request
from worker.interventions import Interventions, Tap
from worker.model import Model
from worker.sites import NAMINGS
from worker.steps import Stepper

SMALL = {
    "vocab_size": 160,
    "hidden_size": 64,
    "intermediate_size": 80,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.08,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
#: Where a family has them. The window is shorter than the rows, so that it matters.
MORE = {"sliding_window": 8, "head_dim": 16}
ROWS = [[7, 9, 31, 80, 44, 21, 3, 99, 120, 15, 66, 4, 58], [7, 9, 31, 12, 90], [7, 9, 31, 55, 23, 140, 8, 71, 36]]
ANSWER = 6


def main() -> None:
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    torch.set_num_threads(1)
    print(json.dumps({model_type: checked(model_type) for model_type in NAMINGS}))


@torch.no_grad()
def checked(model_type: str) -> dict:
    expected = random_model(model_type, "eager")
    root = random_model(model_type, NAME)
    root.load_state_dict(expected.state_dict())
    there = sorted(name for name, module in root.get_submodule(NAMINGS[model_type].layers)[0].named_modules() if isinstance(module, nn.Linear))
    model = Model(root, torch.device("cpu"))
    batch = Batch([7, 9], [{"ids": row[2:]} for row in ROWS], max(map(len, ROWS)) - 2, model.device)
    sites = model.sites
    layers = list(range(sites.count))
    taps = [
        Tap(at, layers if at != "block-input" else [*layers, sites.count], None, False, [0] * 3, [256] * 3)
        for at in ("block-input", "attention-output", "mlp-output")
    ]
    with Interventions(sites, [], len(ROWS), model.device).during(batch.tokens(), taps) as readings:
        logits = logits_at(root, batch.ids(), batch.positions(), batch.sight)
    furthest = max(
        (logits[batch.place(b, len(row) - 3)] - expected(input_ids=torch.tensor([row])).logits[0, -1]).abs().max().item()
        for b, row in enumerate(ROWS)
    )
    reads, attended, answered_by = ([torch.cat(readings.of(t, layer)) for layer in tap.layers] for t, tap in enumerate(taps))
    residual = max(
        (reads[layer] + attended[layer] + answered_by[layer] - reads[layer + 1]).abs().max().item() for layer in layers
    )
    return {
        "logits": furthest,
        "residual": residual,
        "linears": {"named": sorted(NAMINGS[model_type].linears), "there": there},
        "greedy": greedy(model, batch) == [generated(expected, row) for row in ROWS],
    }


def greedy(model: Model, batch: Batch) -> list[list[int]]:
    acting = Interventions(model.sites, [], len(ROWS), model.device)
    request = Request(batch.lengths(), [ANSWER] * len(ROWS), [])
    return [answer.ids for answer in answered(model, Stepper(), batch, request, acting)]


def generated(model: nn.Module, row: list[int]) -> list[int]:
    ids = torch.tensor([row])
    mask = torch.ones_like(ids)
    found = model.generate(
        input_ids=ids, attention_mask=mask, max_new_tokens=ANSWER, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    return found[0, len(row) :].tolist()


def random_model(model_type: str, attention: str) -> nn.Module:
    torch.manual_seed(11)
    known = AutoConfig.for_model(model_type)
    more = {name: value for name, value in MORE.items() if hasattr(known, name)}
    config = AutoConfig.for_model(model_type, **SMALL, **more)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).float().eval()
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


main()
