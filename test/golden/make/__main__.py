"""Computes golden values: python test/golden/make OUT [--seed N] [--only PART ...] [--model FILE.gguf]

Each part is a module with a function `make(out, seed)` that writes its files below the folder OUT. `smollm2`,
`kernel_smollm2`, `lora` and `dcr` read SmolLM2-135M-Instruct from the GGUF file that `discern pull smollm2-135m` fetches.
`peft_adapter`, `interventions`, `kernel`, `bound`, `training`, `direction`, `steering` and `steering_gated` need the `tiny` models in
OUT, and `kernel` the `peft_adapter`.

Seed 0 makes the committed values. Other seeds draw other weights, prompts and settings within what the tests must
accept: see the README beside this folder.
"""

import argparse
import os
import sys
from pathlib import Path

import torch

import bound
import choices
import classifier
import dcr
import direction
import evaluation
import gguf_blocks
import interventions
import kernel
import lora
import losses
import options
import peft_adapter
import projection
import separability
import smollm2
import steering
import steering_gated
import templates
import tiny
import tokenizer_ids
import training

PARTS = {
    "losses": losses.make,
    "evaluation": evaluation.make,
    "projection": projection.make,
    "separability": separability.make,
    "tiny": tiny.make,
    "options": options.make,
    "peft_adapter": peft_adapter.make,
    "interventions": interventions.make,
    "kernel": kernel.make,
    "bound": bound.make,
    "classifier": classifier.make,
    "training": training.make,
    "direction": direction.make,
    "steering_gated": steering_gated.make,
    "choices": choices.make,
    "steering": steering.make,
    "gguf_blocks": gguf_blocks.make,
    "templates": templates.make,
    "smollm2": smollm2.make,
    "kernel_smollm2": kernel.make_smollm2,
    "lora": lora.make,
    "dcr": dcr.make,
    "tokenizers": tokenizer_ids.make,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Computes golden values with PyTorch, transformers and peft.")
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="0 makes the committed values")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--model", type=Path, default=smollm2.DEFAULT_FILE, help="GGUF file of SmolLM2-135M-Instruct")
    arguments = parser.parse_args()
    if {"smollm2", "kernel_smollm2", "lora", "dcr"} & set(arguments.only) and not arguments.model.is_file():
        sys.exit(f"{arguments.model} does not exist. Fetch it with: npm run -s discern -- pull smollm2-135m")
    smollm2.file = arguments.model
    # Sums depend on the number of threads in their last digits.
    torch.set_num_threads(2)
    for part in arguments.only:
        print(part, flush=True)
        PARTS[part](arguments.out, arguments.seed)


os.environ.setdefault("HF_HUB_OFFLINE", "1")
main()
