"""tiny/: one small random model of each family as a Hugging Face folder, with what transformers computes with it.

expected.json: logits and hidden states of a last token (the last hidden state is after the final norm), the loss, the
gradient norm of each parameter, and a greedy continuation. The second row is padded on the right.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoConfig, AutoModelForCausalLM

from write import digits, write_json

VOCABULARY = 160
BASE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.08,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
MODELS = {
    "llama": {"model_type": "llama", "tie_word_embeddings": True},
    "llama_untied_bias": {
        "model_type": "llama",
        "tie_word_embeddings": False,
        "attention_bias": True,
        "mlp_bias": True,
        "rope_theta": 500_000.0,
    },
    "llama3_rope": {"model_type": "llama", "tie_word_embeddings": True, "rope_scaling": LLAMA3_ROPE},
    "mistral": {"model_type": "mistral", "head_dim": 16, "sliding_window": None},
    "qwen2": {"model_type": "qwen2", "tie_word_embeddings": True},
    "qwen3": {"model_type": "qwen3", "head_dim": 16},
    "gemma": {"model_type": "gemma", "head_dim": 16},
    # Shorter than the 14 tokens of a row, so that the window matters.
    "gemma2": {"model_type": "gemma2", "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 8},
    "phi3": {"model_type": "phi3"},
    "olmo2": {"model_type": "olmo2"},
    "granite": {
        "model_type": "granite",
        "tie_word_embeddings": True,
        "embedding_multiplier": 6.0,
        "attention_multiplier": 0.15,
        "residual_multiplier": 0.35,
        "logits_scaling": 4.0,
    },
    # Every fourth layer does not rotate: that is the last one here.
    "smollm3": {"model_type": "smollm3", "num_hidden_layers": 4, "rope_theta": 5_000_000.0},
}


def make(out: Path, seed: int) -> None:
    for name, settings in MODELS.items():
        save_with_expected(out / "tiny" / name, {**BASE, **settings}, seed)


def save_with_expected(folder: Path, settings: dict, seed: int) -> None:
    """Writes a random model with these settings, and expected.json beside it."""
    model = random_model(settings, 7 + seed)
    model.save_pretrained(folder)
    vocabulary = settings["vocab_size"]
    ids = torch.randint(3, vocabulary, (2, 14), generator=torch.Generator().manual_seed(5 + seed))
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    labels = ids.clone()
    labels[:, :6] = -100
    labels[mask == 0] = -100
    output = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    loss = F.cross_entropy(
        output.logits[:, :-1].reshape(-1, vocabulary), labels[:, 1:].reshape(-1), ignore_index=-100
    )
    loss.backward()
    greedy = model.generate(
        input_ids=ids[:1],
        attention_mask=mask[:1],
        max_new_tokens=12,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    write_json(
        folder / "expected.json",
        {
            "input_ids": ids.tolist(),
            "attention_mask": mask.tolist(),
            "labels": labels.tolist(),
            "loss": loss.item(),
            "logits_row0_last": digits(output.logits[0, -1]),
            "logits_row1_pos9": digits(output.logits[1, 9]),
            "hidden_states_row0_last": [digits(state[0, -1]) for state in output.hidden_states],
            "grad_norm": {name: parameter.grad.norm().item() for name, parameter in model.named_parameters()},
            "greedy": greedy[0, 14:].tolist(),
        },
    )


def random_model(settings: dict, seed: int):
    """A random model in float32 with eager attention; norms and biases are moved away from one and zero.

    Weights are values that bfloat16 can hold, because these compress to half the size in a clone.
    """
    torch.manual_seed(seed)
    settings = dict(settings)
    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).float()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
            parameter.copy_(parameter.bfloat16().float())
    return model
