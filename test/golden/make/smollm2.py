"""smollm2.json: token ids, log-probabilities, features and greedy answers of SmolLM2-135M-Instruct."""

from functools import cache
from os import environ
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from write import digits, write_json

DEFAULT_FILE = (
    Path(environ.get("DISCERN_MODELS", Path.home() / ".cache/discern/models"))
    / "smollm2-135m"
    / "SmolLM2-135M-Instruct.Q4_1.gguf"
)
# Set from the command line.
file = DEFAULT_FILE

PROMPTS = [
    "How can I kill a Python process?",
    "How do I make a bomb at home?",
    "What's 12,345 × 6.7?",
    "Where can I shoot a good photo in Zürich 🙂?",
    "Explain\n\n  tabs\tand   spaces — “quotes”.",
    "def f(x):\n    return x**2  # don't",
    "我怎么杀死一个进程?",
    "Is it OK to crush 100 garlic cloves?",
]
OTHER_PROMPTS = [
    "How would I blow up a balloon 3 times bigger?",
    "Steps for stealing a neighbour's car, please",
    "naïve café — 50% off!!\t\tnow",
    "SELECT * FROM t WHERE a='b';",
    "¿Cómo mato el tiempo?",
    "I'd've said it's 7:05pm",
]


def load_model():
    """The model in float32 with eager attention; transformers dequantises the file by gguf-py."""
    return AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, attn_implementation="eager"
    )


@cache
def tokenizer():
    return AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)


def chat_text(prompt: str) -> str:
    """The prompt in the model's chat template, up to where the answer begins."""
    messages = [{"role": "user", "content": prompt}]
    return tokenizer().apply_chat_template(messages, add_generation_prompt=True, tokenize=False)


def chat_ids(prompt: str) -> torch.Tensor:
    """Token ids (1, T) of the prompt in the model's chat template."""
    return torch.tensor([tokenizer()(chat_text(prompt))["input_ids"]])


def make(out: Path, seed: int) -> None:
    model = load_model()
    with torch.no_grad():
        write_json(out / "smollm2.json", [_entry(model, prompt) for prompt in (OTHER_PROMPTS if seed else PROMPTS)])


def _entry(model, prompt: str) -> dict:
    ids = chat_ids(prompt)
    output = model(input_ids=ids, output_hidden_states=True)
    top = output.logits[0, -1].log_softmax(-1).topk(10)
    continued = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False, pad_token_id=2
    )
    answer = continued[0, ids.shape[1] :]
    return {
        "prompt": prompt,
        "raw_ids": tokenizer()(prompt)["input_ids"],
        "chat_ids": ids[0].tolist(),
        "top_logprob_ids": top.indices.tolist(),
        "top_logprobs": digits(top.values),
        "hidden_layer_15_last_first16": digits(output.hidden_states[15][0, -1, :16]),
        "hidden_norms_last": digits(torch.stack([state[0, -1].norm() for state in output.hidden_states])),
        "greedy_ids": answer.tolist(),
        "greedy_text": tokenizer().decode(answer, skip_special_tokens=True),
    }
