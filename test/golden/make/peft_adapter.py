"""peft_adapter/: a LoRA adapter that peft wrote for tiny/llama, and the logits with it."""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from write import digits, write_json

BASE = "tiny/llama"
# What differs by seed.
SETTINGS = [
    {
        "r": 4,
        "lora_alpha": 16,
        "target_modules": ["q_proj", "o_proj", "gate_proj", "down_proj"],
        "layers_to_transform": [0, 2],
    },
    {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj", "down_proj"], "use_rslora": True},
    {
        "r": 6,
        "lora_alpha": 3,
        "target_modules": ["k_proj", "v_proj", "up_proj"],
        "rank_pattern": {"v_proj": 2},
        "alpha_pattern": {"up_proj": 5},
        "use_rslora": True,
    },
]


def make(out: Path, seed: int) -> None:
    torch.manual_seed(3 + seed)
    base = AutoModelForCausalLM.from_pretrained(out / BASE, dtype=torch.float32, attn_implementation="eager")
    settings = SETTINGS[seed % len(SETTINGS)]
    model = get_peft_model(base, LoraConfig(lora_dropout=0.1, task_type="CAUSAL_LM", **settings))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.05 * torch.randn_like(parameter))
    # Not the path on this machine.
    base.config._name_or_path = BASE
    model.peft_config["default"].base_model_name_or_path = BASE
    model.eval()
    model.save_pretrained(out / "peft_adapter")
    # peft writes them in the order of a set, which differs between runs.
    path = out / "peft_adapter" / "adapter_config.json"
    config = json.loads(path.read_text())
    config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    # peft writes a model card of its own template.
    (out / "peft_adapter" / "README.md").unlink(missing_ok=True)
    ids = torch.arange(3, 17)[None]
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, -1]
    write_json(
        out / "peft_adapter" / "expected.json",
        {"base": BASE, "input_ids": ids.tolist(), "logits_last": digits(logits)},
    )
