"""options.json: what each option of a config.json changes, in every family.

A row is a small model whose config.json differs from its family's first row in one option, and what transformers
computes with it for the first `length` tokens: the loss and the logits of the last token; or `error`, where transformers
does not read the configuration or cannot compute with it.

Weights are not stored. Both sides fill them by the rule in `fill`, from the parameter's name and the place in it.
"""

import json
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging as transformers_logging

from write import digits, write_json

ABSENT = object()
BASE = {
    "vocab_size": 40,
    "hidden_size": 32,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# The defaults of these classes are wide heads.
FAMILIES = {
    "llama": {},
    "mistral": {},
    "qwen2": {},
    "qwen3": {"head_dim": 8},
    "gemma": {"head_dim": 8},
    "gemma2": {"head_dim": 8},
    "phi3": {},
    "olmo2": {},
    "granite": {},
    "smollm3": {},
}
LENGTH = 24
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LONGROPE = {
    "rope_type": "longrope",
    "short_factor": [1.0, 1.5, 2.0, 2.5],
    "long_factor": [2.0, 3.0, 4.0, 5.0],
    "original_max_position_embeddings": 32,
}
SU = {key: value for key, value in LONGROPE.items() if key != "rope_type"}
SLIDING, FULL = "sliding_attention", "full_attention"

# The option that a row is about, and what it changes in the configuration.
OPTIONS = [
    ("none", {}),
    # Shapes.
    ("num_key_value_heads", {"num_key_value_heads": 1}),
    ("num_key_value_heads", {"num_key_value_heads": 4}),
    ("num_key_value_heads", {"num_key_value_heads": None}),
    ("num_key_value_heads", {"num_key_value_heads": ABSENT}),
    ("head_dim", {"head_dim": 16}),
    ("head_dim", {"head_dim": None}),
    ("head_dim", {"head_dim": ABSENT}),
    ("num_hidden_layers", {"num_hidden_layers": 3}),
    ("vocab_size", {"vocab_size": 64}),
    ("max_position_embeddings", {"max_position_embeddings": ABSENT}),
    # Blocks.
    ("hidden_act", {"hidden_act": "gelu_pytorch_tanh"}),
    ("hidden_act", {"hidden_act": "gelu_new"}),
    ("hidden_act", {"hidden_act": "swish"}),
    ("hidden_act", {"hidden_act": "gelu"}),
    ("hidden_act", {"hidden_act": "relu"}),
    ("hidden_activation", {"hidden_activation": "silu"}),
    ("hidden_activation", {"hidden_activation": "gelu"}),
    ("rms_norm_eps", {"rms_norm_eps": 0.1}),
    ("rms_norm_eps", {"rms_norm_eps": 0.0}),
    ("attention_bias", {"attention_bias": True}),
    ("attention_bias", {"attention_bias": False}),
    ("mlp_bias", {"mlp_bias": True}),
    ("qkv_bias", {"qkv_bias": True}),
    ("tie_word_embeddings", {"tie_word_embeddings": True}),
    ("tie_word_embeddings", {"tie_word_embeddings": False}),
    # RoPE.
    ("rope_theta", {"rope_theta": 100.0}),
    ("rope_parameters", {"rope_parameters": {"rope_type": "default", "rope_theta": 100.0}}),
    ("rope_parameters", {"rope_parameters": {"rope_theta": 100.0}, "rope_theta": 50.0}),
    ("rope_parameters", {"rope_parameters": {}, "rope_scaling": None, "rope_theta": 100.0}),
    (
        "rope_scaling",
        {
            "rope_parameters": {"rope_type": "default", "rope_theta": 100.0},
            "rope_scaling": {"rope_type": "linear", "factor": 4.0},
        },
    ),
    (
        "rope_scaling",
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0}, "rope_scaling": {}, "rope_theta": 100.0},
    ),
    ("rope_scaling", {"rope_scaling": {"type": "linear", "factor": 4.0}}),
    ("rope_scaling", {"rope_scaling": {"type": "linear", "rope_type": "default", "factor": 4.0}}),
    ("dynamic", {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}}),
    ("dynamic", {"rope_scaling": {"rope_type": "dynamic", "factor": 4.0}, "max_position_embeddings": 16}),
    ("yarn", {"rope_scaling": YARN}),
    ("yarn", {"rope_scaling": {**YARN, "attention_factor": 0.7}}),
    ("yarn", {"rope_scaling": {**YARN, "beta_fast": 8.0, "beta_slow": 0.5}}),
    ("yarn", {"rope_scaling": {**YARN, "mscale": 0.7, "mscale_all_dim": 1.3}}),
    ("yarn", {"rope_scaling": {**YARN, "mscale": 0.7}}),
    ("yarn", {"rope_scaling": {**YARN, "truncate": False}}),
    ("yarn", {"rope_scaling": {"type": "yarn", "factor": 4.0}}),
    ("yarn", {"rope_scaling": YARN, "original_max_position_embeddings": 64, "rope_theta": 1000.0}),
    ("llama3", {"rope_scaling": {**LLAMA3, "original_max_position_embeddings": 32}}),
    ("llama3", {"rope_scaling": LLAMA3}),
    (
        "llama3",
        {
            "rope_scaling": {**LLAMA3, "original_max_position_embeddings": 32},
            "original_max_position_embeddings": 16,
        },
    ),
    ("longrope", {"rope_scaling": LONGROPE}),
    ("longrope", {"rope_scaling": LONGROPE, "original_max_position_embeddings": 32}),
    ("longrope", {"rope_scaling": {**SU, "type": "su"}, "original_max_position_embeddings": 32}),
    ("longrope", {"rope_scaling": {**LONGROPE, "factor": 8.0}, "original_max_position_embeddings": 32}),
    ("longrope", {"rope_scaling": {**LONGROPE, "attention_factor": 0.7}, "original_max_position_embeddings": 32}),
    (
        "longrope",
        {"rope_scaling": {**LONGROPE, "original_max_position_embeddings": 16}, "original_max_position_embeddings": 16},
    ),
    (
        "partial_rotary_factor",
        {
            "rope_scaling": {**LONGROPE, "short_factor": [1.0, 2.0], "long_factor": [2.0, 4.0]},
            "original_max_position_embeddings": 32,
            "partial_rotary_factor": 0.5,
        },
    ),
    ("partial_rotary_factor", {"partial_rotary_factor": 0.5}),
    ("partial_rotary_factor", {"rope_parameters": {"rope_theta": 100.0, "partial_rotary_factor": 0.5}}),
    ("partial_rotary_factor", {"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "partial_rotary_factor": 0.5}),
    ("proportional", {"rope_scaling": {"rope_type": "proportional", "partial_rotary_factor": 0.5, "rope_theta": 100.0}}),
    ("proportional", {"rope_scaling": {"rope_type": "proportional", "factor": 2.0, "rope_theta": 100.0}}),
    ("original_max_position_embeddings", {"original_max_position_embeddings": 16}),
    ("mrope", {"rope_scaling": {"rope_type": "mrope", "mrope_section": [1, 1, 2]}}),
    (
        "rope_parameters",
        {
            "layer_types": [SLIDING, FULL],
            "sliding_window": 8,
            "use_sliding_window": True,
            "rope_parameters": {
                SLIDING: {"rope_type": "default", "rope_theta": 100.0},
                FULL: {"rope_type": "default", "rope_theta": 1000.0},
            },
        },
    ),
    # Windows, all shorter than the text.
    ("sliding_window", {"sliding_window": 8}),
    ("sliding_window", {"sliding_window": None}),
    ("use_sliding_window", {"sliding_window": 8, "use_sliding_window": True}),
    ("use_sliding_window", {"sliding_window": 8, "use_sliding_window": False}),
    ("max_window_layers", {"sliding_window": 8, "use_sliding_window": True, "max_window_layers": 1}),
    ("max_window_layers", {"sliding_window": 8, "use_sliding_window": True, "max_window_layers": 0}),
    ("layer_types", {"sliding_window": 8, "use_sliding_window": True, "layer_types": [FULL, SLIDING]}),
    ("layer_types", {"sliding_window": 8, "use_sliding_window": True, "layer_types": [SLIDING, SLIDING]}),
    ("layer_types", {"sliding_window": 8, "use_sliding_window": True, "layer_types": [FULL, FULL]}),
    ("layer_types", {"sliding_window": 8, "use_sliding_window": True, "layer_types": ["attention", SLIDING]}),
    ("layer_types", {"sliding_window": 8, "layer_types": [FULL, SLIDING]}),
    ("layer_types", {"layer_types": ["linear_attention", FULL]}),
    # Attention.
    ("attn_logit_softcapping", {"attn_logit_softcapping": 0.5}),
    ("attn_logit_softcapping", {"attn_logit_softcapping": None}),
    ("final_logit_softcapping", {"final_logit_softcapping": 0.5}),
    ("final_logit_softcapping", {"final_logit_softcapping": None}),
    ("query_pre_attn_scalar", {"query_pre_attn_scalar": 4}),
    ("use_bidirectional_attention", {"use_bidirectional_attention": True}),
    ("is_causal", {"is_causal": False}),
    ("is_causal", {"is_causal": True}),
    # Settings of other families.
    ("attention_multiplier", {"attention_multiplier": 0.5}),
    ("residual_multiplier", {"residual_multiplier": 0.5}),
    ("embedding_multiplier", {"embedding_multiplier": 2.0}),
    ("logits_scaling", {"logits_scaling": 2.0}),
    ("logit_scale", {"logit_scale": 0.5}),
    ("no_rope_layers", {"no_rope_layers": [0, 1]}),
    ("no_rope_layers", {"no_rope_layers": [1, 0, 0]}),
    ("no_rope_layers", {"no_rope_layers": [0]}),
    ("no_rope_layer_interval", {"no_rope_layer_interval": 2}),
    (
        "no_rope_layer_interval",
        {"no_rope_layer_interval": 2, "sliding_window": 8, "use_sliding_window": True},
    ),
    ("num_local_experts", {"num_local_experts": 4}),
    ("use_qk_norm", {"use_qk_norm": True}),
    ("clip_qkv", {"clip_qkv": 0.1}),
    ("rope_interleaved", {"rope_interleaved": True}),
    ("per_layer_config", {"per_layer_config": {"1": {"num_key_value_heads": 1}}}),
    # Settings without effect here.
    ("attention_dropout", {"attention_dropout": 0.5}),
    ("initializer_range", {"initializer_range": 0.5}),
    ("pretraining_tp", {"pretraining_tp": 2}),
    ("use_cache", {"use_cache": False}),
    ("torch_dtype", {"torch_dtype": "bfloat16"}),
    ("a_later_key", {"a_later_key": 3}),
]


def make(out: Path, seed: int) -> None:
    transformers_logging.set_verbosity(logging.CRITICAL)
    warnings.simplefilter("ignore")
    ids = np.random.default_rng(19 + seed).integers(3, 33, LENGTH).tolist()
    rows = []
    for family, own in FAMILIES.items():
        for option, change in OPTIONS:
            config = {"model_type": family, **BASE, **own, **change}
            config = {key: value for key, value in config.items() if value is not ABSENT}
            rows.append({"family": family, "option": option, "config": config, **computed(config, ids)})
    write_json(out / "options.json", {"ids": ids, "rows": [{**row, "config": json.dumps(row["config"])} for row in rows]})


def computed(config: dict, ids: list[int]) -> dict:
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "config.json").write_text(json.dumps(config))
            read = AutoConfig.from_pretrained(folder)
        model = AutoModelForCausalLM.from_config(read, dtype=torch.float32, attn_implementation="eager").eval()
        fill(model)
        tokens = torch.tensor([ids])
        with torch.no_grad():
            logits = model(input_ids=tokens, use_cache=False).logits[0]
    except Exception as error:  # whatever a library raises: the row says that it does not compute
        return {"error": type(error).__name__}
    loss = F.cross_entropy(logits[:-1], tokens[0, 1:])
    return {"loss": float(f"{loss.item():.7g}"), "logits": digits(logits[-1], 6)}


def fill(model) -> None:
    """u in [-1, 1) is a hash of the parameter's name and the element's index; all steps are exact in float32.

    Norms are 1 + u/8, biases u/4, the embedding u, other weights u/4.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            index = np.arange(parameter.numel(), dtype=np.uint32)
            h = np.uint32(name_hash(name)) ^ (index * np.uint32(0x9E3779B1))
            h ^= h >> np.uint32(16)
            h *= np.uint32(0x85EBCA6B)
            h ^= h >> np.uint32(13)
            h *= np.uint32(0xC2B2AE35)
            h ^= h >> np.uint32(16)
            u = (h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)
            if name.endswith("norm.weight"):
                u = 1 + u / 8
            elif name != "model.embed_tokens.weight":
                u = u / 4
            parameter.copy_(torch.from_numpy(u.astype(np.float32)).reshape(parameter.shape))


def name_hash(name: str) -> int:
    """FNV-1a over the bytes of the name."""
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) % 2**32
    return h
