"""direction.json: predicted and measured changes of refusal by steps of plain SGD on tiny models, by autograd.

RS = ln(P + 1e-8) - ln(1 - P + 1e-8), P the summed probability of openings behind a prompt; L the mean loss over an answer's tokens.
Predicted: -grad RS . grad L, per unit of learning rate. Measured: RS after the step p - rate * grad L, minus RS before it; in float64, so
that small steps lose no digits.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from write import digits, write_json

MODELS = ["llama", "gemma2"]
RATES = [0.1, 0.001]
RANK, ALPHA = 3, 6


def make(out: Path, seed: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(41 + seed)
    openings = [[20, 30, 40], [20, 31], [21], [22, 33, 44, 55], [20, 30, 41]]
    prompts = [torch.randint(3, 160, (n,)).tolist() for n in (6, 9, 4, 7)]
    answers = [torch.randint(3, 160, (n,)).tolist() for n in (5, 3, 4)]
    cases = []
    for name in MODELS:
        for scope in ("weights", "adapter"):
            model = AutoModelForCausalLM.from_pretrained(
                out / "tiny" / name, dtype=torch.float64, attn_implementation="eager"
            ).eval()
            for each in model.parameters():
                each.requires_grad_(False)
            moved = blocks(model) if scope == "weights" else adapters(model)
            cases.append({"model": name, "scope": scope, **changes(model, moved, prompts, answers, openings)})
    write_json(
        out / "direction.json",
        {
            "openings": openings,
            "prompts": prompts,
            "answers": answers,
            "rates": RATES,
            "adapter": {
                "rank": RANK,
                "alpha": ALPHA,
                "targets": ["q_proj", "down_proj"],
                "init": "flattened index i: A = 0.05*sin(0.37*i+1), B = 0.05*cos(0.53*i)",
            },
            "cases": cases,
        },
    )
    torch.set_num_threads(threads)


def blocks(model) -> list[torch.Tensor]:
    parameters = [each for block in model.model.layers for each in block.parameters()]
    return [each.requires_grad_(True) for each in parameters]


class Adapted(torch.nn.Module):
    def __init__(self, base: torch.nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.a = formula(torch.sin, RANK * base.in_features, 0.37, 1).reshape(RANK, -1).requires_grad_(True)
        self.b = formula(torch.cos, RANK * base.out_features, 0.53, 0).reshape(-1, RANK).requires_grad_(True)

    def forward(self, x):
        return self.base(x) + ALPHA / RANK * (x @ self.a.T @ self.b.T)


def formula(wave, count: int, speed: float, start: float) -> torch.Tensor:
    # As float32 has it, since that is what the other side holds.
    return (0.05 * wave(torch.arange(count, dtype=torch.float64) * speed + start)).float().double()


def adapters(model) -> list[torch.Tensor]:
    moved = []
    for block in model.model.layers:
        for parent, name in ((block.self_attn, "q_proj"), (block.mlp, "down_proj")):
            adapted = Adapted(getattr(parent, name))
            setattr(parent, name, adapted)
            moved += [adapted.a, adapted.b]
    return moved


def refusal(model, prompt: list[int], openings: list[list[int]]) -> torch.Tensor:
    total = 0
    for opening in openings:
        logits = model(input_ids=torch.tensor([prompt + opening])).logits[0, len(prompt) - 1 : -1]
        total = total + F.log_softmax(logits, -1).gather(1, torch.tensor(opening)[:, None]).sum().exp()
    return torch.log(total + 1e-8) - torch.log(1 - total + 1e-8)


def loss(model, prompt: list[int], answer: list[int]) -> torch.Tensor:
    logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
    return F.cross_entropy(logits, torch.tensor(answer))


def changes(model, moved, prompts, answers, openings) -> dict:
    before = [refusal(model, each, openings) for each in prompts]
    of_refusal = [torch.autograd.grad(each, moved) for each in before]
    predicted, measured = [], []
    for prompt, answer in zip(prompts, answers):
        gradient = torch.autograd.grad(loss(model, prompt, answer), moved)
        predicted.append([-sum((a * b).sum() for a, b in zip(each, gradient)).item() for each in of_refusal])
        measured.append([step(model, moved, gradient, rate, prompts, openings, before) for rate in RATES])
    return {
        "log_odds": digits(torch.stack(before)),
        "predicted": [digits(row) for row in predicted],
        "measured": measured,
    }


@torch.no_grad()
def step(model, moved, gradient, rate, prompts, openings, before) -> list[float]:
    kept = [each.clone() for each in moved]
    for each, by in zip(moved, gradient):
        each -= rate * by
    after = [refusal(model, each, openings) - start for each, start in zip(prompts, before)]
    for each, value in zip(moved, kept):
        each.copy_(value)
    return digits(torch.stack(after))
