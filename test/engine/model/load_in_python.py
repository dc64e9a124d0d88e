"""Loads what Discern exported and prints what it computes.

Standard input: a JSON object of tasks by name, each with `model` (a Hugging Face folder) and optionally `ids`,
`adapter` (a PEFT folder), `prompt` (to be encoded raw and by the chat template) and `greedy` (how many tokens to
continue the chat with). Standard output: a JSON object of answers by the same names. One process for all of them,
because importing transformers takes longer than the tasks.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer


def answer(task):
    model, info = AutoModelForCausalLM.from_pretrained(task["model"], output_loading_info=True)
    result = {"problems": {key: sorted(map(str, value)) for key, value in info.items() if value}}
    if "adapter" in task:
        model = PeftModel.from_pretrained(model, task["adapter"])
        result["adapted"] = sorted(
            name.removeprefix("base_model.model.").removesuffix(".lora_A.default")
            for name, _ in model.named_modules()
            if name.endswith(".lora_A.default")
        )
    model.eval()
    if "ids" in task:
        result["logits"] = model(torch.tensor(task["ids"])).logits[0, -1].tolist()
    if "prompt" in task:
        tokenizer = AutoTokenizer.from_pretrained(task["model"])
        messages = [{"role": "user", "content": task["prompt"]}]
        chat = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
        result["raw_ids"] = tokenizer(task["prompt"])["input_ids"]
        result["chat_ids"] = chat
        out = model.generate(torch.tensor([chat]), max_new_tokens=task["greedy"], do_sample=False)
        result["greedy"] = out[0, len(chat) :].tolist()
    return result


with torch.no_grad():
    json.dump({name: answer(task) for name, task in json.load(sys.stdin).items()}, sys.stdout)
