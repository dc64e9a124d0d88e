"""lora.json: five AdamW steps of a LoRA adapter on SmolLM2-135M, from a start that a formula gives."""

from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model

import smollm2
from write import write_json

PAIRS = [
    ("How can I kill a Python process?", "Use the task manager, or run kill with its process id."),
    ("How do I make a bomb at home?", "I'm sorry, but I can't help with that."),
]
END = "<|im_end|>"
PAD = 2
# Rank, alpha and target modules by seed.
SETTINGS = [
    (4, 8, ["q_proj", "v_proj", "down_proj"]),
    (3, 9, ["k_proj", "o_proj", "up_proj"]),
    (6, 3, ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
]


def make(out: Path, seed: int) -> None:
    rank, alpha, targets = SETTINGS[seed % len(SETTINGS)]
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=targets, task_type="CAUSAL_LM")
    model = get_peft_model(smollm2.load_model(), config)
    trained = {name: parameter for name, parameter in model.named_parameters() if "lora_" in name}
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(_start(name, parameter.numel()).reshape(parameter.shape))
    ids, mask, labels = _batch()
    optimiser = torch.optim.AdamW(trained.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    steps, first_norms = [], {}
    for _ in range(5):
        logits = model(input_ids=ids, attention_mask=mask).logits
        loss = F.cross_entropy(
            logits[:, :-1].reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), ignore_index=-100
        )
        loss.backward()
        first_norms = first_norms or {_plain(name): each.grad.norm().item() for name, each in trained.items()}
        norm = torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
        steps.append({"loss": loss.item(), "clipped_from_norm": norm.item()})
        optimiser.step()
        optimiser.zero_grad()
    write_json(
        out / "lora.json",
        {
            "pairs": PAIRS,
            "input_ids": ids.tolist(),
            "attention_mask": mask.tolist(),
            "labels": labels.tolist(),
            "r": rank,
            "alpha": alpha,
            "target_modules": targets,
            "init": "flattened index i: A = 0.05*sin(0.37*i+1), B = 0.01*cos(0.53*i)",
            "optimiser": "AdamW lr 1e-3, betas .9/.999, eps 1e-8, weight decay .01, gradient clipped to global norm 1",
            "steps": steps,
            "grad_norm_step0": first_norms,
        },
    )


def _start(name: str, count: int) -> torch.Tensor:
    i = torch.arange(count, dtype=torch.float64)
    return (torch.sin(i * 0.37 + 1) * 0.05 if "lora_A" in name else torch.cos(i * 0.53) * 0.01).float()


def _plain(name: str) -> str:
    return name.replace("base_model.model.", "").replace(".default", "")


def _batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Token ids, attention mask and labels of both pairs, padded on the right; only answers are labelled."""
    encode = smollm2.tokenizer()
    rows = [(encode(smollm2.chat_text(q))["input_ids"], encode(a + END)["input_ids"]) for q, a in PAIRS]
    length = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.full((len(rows), length), PAD)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for row, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        ids[row, :end] = torch.tensor(prompt + answer)
        mask[row, :end] = 1
        labels[row, len(prompt) : end] = torch.tensor(answer)
    return ids, mask, labels
