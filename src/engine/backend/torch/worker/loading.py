"""Loads a model of transformers from a Hugging Face folder."""

from __future__ import annotations

import os
import socket
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

from .attention import NAME
from .compiled import compile_blocks
from .errors import WorkerError
from .frames import Tensors
from .model import Model
from .ranks import Found
from .sharding import shard
from .sites import NAMINGS
from .state import State


def load(state: State, params: dict[str, Any], _tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """Loads the model in `folder` onto `device` (cpu, cuda) in `dtype` (float32, bfloat16; auto: bfloat16 on a GPU that has it). With `compile` its
    blocks are compiled by torch.compile when they first run."""
    logging.disable_progress_bar()
    state.ranks.together(lambda: _refuse_absent(params["folder"]))
    config = AutoConfig.from_pretrained(params["folder"])
    if config.model_type not in NAMINGS:
        raise WorkerError(
            "architecture-unsupported",
            f'The PyTorch backend does not know where the parts of a model of type "{config.model_type}" are (sites.py). '
            f"It knows {', '.join(sorted(NAMINGS))}.",
        )
    if params.get("threads"):
        torch.set_num_threads(params["threads"])
    if params["device"] == "cuda" and not torch.cuda.is_available():
        raise WorkerError(
            "device-unavailable",
            f"PyTorch {torch.__version__} finds no GPU. Use the device cpu, or install a PyTorch with CUDA or ROCm.",
        )
    device = state.ranks.device(params["device"])
    dtype = _dtype(params["dtype"], device)
    root = AutoModelForCausalLM.from_pretrained(params["folder"], dtype=dtype, attn_implementation=NAME)
    root.eval().requires_grad_(False)
    # Its embedding is trained like others: it may be what ends every answer.
    root.get_input_embeddings().padding_idx = None
    shares = bool(params["shard"]) and state.ranks.size > 1
    state.ranks.lockstep = False
    if not shares:
        root.to(device)
    state.loaded = Model(root, device)
    if shares:
        shard(root, state.loaded.sites.layers, state.ranks, device)
    state.training = state.tile = None
    state.stepper.forget()
    if params.get("compile"):
        compile_blocks(state.loaded.sites)
    shapes = {name: list(p.shape) for name, p in state.loaded.parameters().items()}
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    found = {"dtype": str(dtype).removeprefix("torch."), "deviceName": name, "sharded": shares, "parameters": shapes}
    return found, {}


def _refuse_absent(folder: str) -> Found:
    if not os.path.isdir(folder):
        raise WorkerError(
            "model-missing",
            f"{socket.gethostname()} has no folder {folder}. All machines that compute together need the model at the same path, as on a shared disk.",
        )
    return {}


def _dtype(asked: str, device: torch.device) -> torch.dtype:
    if asked != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[asked]
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
