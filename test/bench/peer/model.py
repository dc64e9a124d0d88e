"""Loads the model under measurement, from a GGUF file or a Hugging Face folder, as a variant of PyTorch runs it."""

import os
from functools import cache

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()

# How PyTorch is run: set once by peer.py, before anything is loaded. "compile" is false, true (a whole function at once) or
# "blocks" (the code of a decoder block, compiled once and used for all of them, which takes seconds instead of minutes).
VARIANT = {"dtype": "float32", "compile": False}

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@cache
def load(path: str):
    """The causal language model at `path`, in the variant's type, in evaluation mode, with transformers' default attention.

    It lies on torch's default device. Tasks of one process share it: one that changes it must be the last.
    """
    dtype = getattr(torch, VARIANT["dtype"])
    if path.endswith(".gguf"):
        folder, file = os.path.split(path)
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=dtype)
    else:
        model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    model = model.to(torch.get_default_device()).eval()
    if VARIANT["compile"] == "blocks":
        for block in model.model.layers:
            block.compile()
    return model


def with_lora(model, rank: int):
    """`model` with a fresh peft adapter of `rank` on every linear layer of every block; only the adapter trains."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=LINEARS, bias="none")
    return get_peft_model(model, config)


def compiled(function):
    """`function`, or a module, through torch.compile where the variant says so; shapes become dynamic as they vary."""
    return torch.compile(function) if VARIANT["compile"] is True else function


def pad(rows: list[list[int]], side: str):
    """Token ids and attention mask, both (B, T), padded with zeros on `side`, "left" or "right"."""
    width = max(map(len, rows))
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    for i, row in enumerate(rows):
        place = slice(width - len(row), width) if side == "left" else slice(0, len(row))
        ids[i, place] = torch.tensor(row)
        mask[i, place] = 1
    return ids, mask
