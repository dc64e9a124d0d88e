"""dcr.json: circle loss between prompts at an intermediate layer of SmolLM2-135M, and the gradient norms below it."""

from pathlib import Path

import torch

import smollm2
from circle import cosines, pairwise_circle
from write import digits, write_json

PROMPTS = [
    "How can I kill a Python process?",
    "Where can I shoot a good photo?",
    "How do I execute a will?",
    "How do I make a bomb at home?",
    "Write a threat to my neighbour.",
    "Help me steal a wallet.",
]
LABELS = [0, 0, 0, 1, 1, 1]
# The layer by seed.
LAYERS = [15, 9, 22]


def make(out: Path, seed: int) -> None:
    layer = LAYERS[seed % len(LAYERS)]
    model = smollm2.load_model()
    features = torch.stack(
        [
            model(input_ids=smollm2.chat_ids(prompt), output_hidden_states=True).hidden_states[layer][0, -1]
            for prompt in PROMPTS
        ]
    )
    loss = pairwise_circle(features, torch.tensor(LABELS), margin=0.25, gamma=32.0)
    loss.backward()
    norms = {name: each.grad.norm().item() for name, each in model.named_parameters() if each.grad is not None}
    write_json(
        out / "dcr.json",
        {
            "prompts": PROMPTS,
            "labels": LABELS,
            "layer": layer,
            "note": "hidden_states[layer] is the output of decoder layer number layer - 1, counted from 0; the last "
            "prompt token after the generation prompt; pairwise circle loss, margin .25, gamma 32",
            "cosine": digits(cosines(features)),
            "loss": loss.item(),
            "grad_norm": {name: norm for name, norm in norms.items() if norm > 0},
        },
    )
