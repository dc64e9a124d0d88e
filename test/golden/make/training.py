"""training.json: steps of preference tuning, and of safety tuning with a contrast kept on, on tiny/llama.

All weights of the blocks are trained by AdamW. Preference tuning (DPO) takes the log-probabilities of whole answers from one
forward pass per answer and lets autograd differentiate the loss; the reference is a copy of the model before the first step.
"""

import copy
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

from circle import pairwise_circle
from write import write_json

MODEL = "llama"
STEPS = 3
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
# beta, label smoothing
PREFERENCES = [(0.1, 0.0), (0.5, 0.1)]
CONTRAST = {"layer": 2, "margin": 0.25, "gamma": 8.0, "weight": 0.3}


def make(out: Path, seed: int) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(23 + seed)
    base = AutoModelForCausalLM.from_pretrained(
        out / "tiny" / MODEL, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    prompts = [tokens(n) for n in (5, 3, 7, 4)]
    chosen = [tokens(n) for n in (4, 6, 2, 5)]
    rejected = [tokens(n) for n in (3, 2, 5, 6)]
    groups = [tokens(n) for n in (4, 6, 5, 3, 7, 4)]
    labels = [0, 0, 0, 1, 1, 1]
    write_json(
        out / "training.json",
        {
            "model": MODEL,
            "learning_rate": LEARNING_RATE,
            "weight_decay": WEIGHT_DECAY,
            "prompts": prompts,
            "chosen": chosen,
            "rejected": rejected,
            "preferences": [
                {"beta": beta, "label_smoothing": smoothing, **preference(base, prompts, chosen, rejected, beta, smoothing)}
                for beta, smoothing in PREFERENCES
            ],
            "groups": groups,
            "labels": labels,
            "contrast": {**CONTRAST, **kept(base, prompts, chosen, groups, labels)},
        },
    )
    torch.set_num_threads(threads)


def tokens(count: int) -> list[int]:
    return torch.randint(3, 160, (count,)).tolist()


def answer(model, prompt: list[int], response: list[int]) -> torch.Tensor:
    """Log-probability of a whole answer, summed over its tokens."""
    ids = torch.tensor([prompt + response])
    logits = model(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    return F.log_softmax(logits, -1).gather(1, torch.tensor(response)[:, None]).sum()


def preference(base, prompts, chosen, rejected, beta: float, smoothing: float) -> dict:
    model, reference = copy.deepcopy(base), base
    with torch.no_grad():
        before = [(answer(reference, p, c), answer(reference, p, r)) for p, c, r in zip(prompts, chosen, rejected)]

    def loss():
        deltas = torch.stack(
            [
                (answer(model, p, c) - ref_c) - (answer(model, p, r) - ref_r)
                for p, c, r, (ref_c, ref_r) in zip(prompts, chosen, rejected, before)
            ]
        )
        each = -(1 - smoothing) * F.logsigmoid(beta * deltas) - smoothing * F.logsigmoid(-beta * deltas)
        return each.mean(), {"margin": (beta * deltas).mean().item()}

    return trained(model, loss)


def kept(base, prompts, chosen, groups, labels) -> dict:
    model = copy.deepcopy(base)

    def features():
        layer = CONTRAST["layer"]
        return torch.stack(
            [model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[layer][0, -1] for ids in groups]
        )

    kinds = torch.tensor(labels)
    with torch.no_grad():
        before = features()
        centre = (before[kinds == 0].mean(0) + before[kinds == 1].mean(0)) / 2

    def loss():
        count = sum(len(each) for each in chosen)
        answers = -sum(answer(model, p, c) for p, c in zip(prompts, chosen)) / count
        contrast = pairwise_circle(features() - centre, kinds, CONTRAST["margin"], CONTRAST["gamma"])
        return answers + CONTRAST["weight"] * contrast, {"contrast": contrast.item()}

    return trained(model, loss)


def trained(model, loss) -> dict:
    """Loss, what else was found, and the gradient norms of each block, at every step."""
    blocks = [list(block.parameters()) for block in model.model.layers]
    optimiser = torch.optim.AdamW(
        [each for block in blocks for each in block],
        lr=LEARNING_RATE,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=WEIGHT_DECAY,
    )
    steps = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        value, figures = loss()
        value.backward()
        norms = [torch.stack([each.grad.norm() for each in block]).norm().item() for block in blocks]
        steps.append({"loss": value.item(), **figures, "gradient_norms": norms})
        optimiser.step()
    return {"steps": steps}
