"""choices.json, mmlu_smollm2.json: log-likelihoods of choices by lm-evaluation-harness, by its own task files.

choices.json: questions of our own in the layouts of MMLU, ARC, OpenBookQA and PIQA, on tiny/llama with a small tokenizer
that puts a BOS first. mmlu_smollm2.json: questions of MMLU on SmolLM2-135M-Instruct, as hashes; they are read from the folder
that DISCERN_DATA names, which has `mmlu/test` and `mmlu/dev` as hendrycks/test publishes them.

Needs lm_eval, which the other parts do not.
"""

import csv
import hashlib
import json
import os
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

import smollm2
from write import digits, write_json

# Each with the task of the harness whose templates it is asked by, and its shots.
SUITES = [("mmlu", "mmlu_us_foreign_policy", 0), ("mmlu", "mmlu_us_foreign_policy", 2), ("arc-easy", "arc_easy", 0),
          ("openbookqa", "openbookqa", 0), ("piqa", "piqa", 0)]  # fmt: skip
QUESTIONS = {
    "mmlu": [
        ("Which of these is a root vegetable?  ", ["carrot", "apple", "rice", "plum"], 0),
        ("How many sides has a hexagon?", ["five", "six", "seven", "eight"], 1),
        ("\nWhat do bees make?", ["milk", "wool", "honey", "silk"], 2),
        ("Which river flows through Paris?", ["Danube", "Tiber", "Thames", "Seine"], 3),
    ],
    "arc-easy": [
        ("What melts when it is warmed?", ["stone", "ice", "wood", "a long iron nail in the wall"], 1),
        ("Which one shines by itself?", ["the Moon", "the Sun", "Mars", "a mirror"], 1),
        ("What does a thermometer measure?", ["5", "50", "5 degrees", "temperature"], 3),
    ],
    "openbookqa": [
        ("A plant turns toward the window because ", ["light comes from there", "it is thirsty", "of the wind", "é"], 0),
        ("Two magnets push each other away when", ["like poles meet", "they are cold", "they are wet", "naïve 🙂"], 0),
    ],
    "piqa": [
        ("To keep bread fresh,", ["put it into a paper bag.", "put it into a bowl of water."], 0),
        ("To reach a high shelf, " + "first look around the whole room, then " * 8, ["use a ladder.", "sing."], 0),
    ],
}
EXAMPLES = [
    ("Which animal barks?", ["cat", "dog", "cow", "hen"], 1),
    ("Which number is even?", ["three", "five", "eight", "nine"], 2),
    ("Which is a colour?", ["blue", "loud", "heavy", "sweet"], 0),
]
LETTERS = "ABCD"


def row(suite: str, question: str, choices: list[str], answer: int) -> dict:
    """A question as the data set has its rows."""
    if suite == "mmlu":
        return {"question": question, "subject": "us_foreign_policy", "choices": choices, "answer": answer}
    if suite == "piqa":
        return {"goal": question, "sol1": choices[0], "sol2": choices[1], "label": answer}
    key = "question" if suite == "arc-easy" else "question_stem"
    # ARC numbers some of its choices.
    labels = list("1234") if suite == "arc-easy" and answer == 3 else list(LETTERS)
    return {key: question, "choices": {"text": choices, "label": labels}, "answerKey": labels[answer]}


def rows_of(suite: str) -> list[dict]:
    return [row(suite, *each) for each in QUESTIONS[suite]]


def small_tokenizer() -> PreTrainedTokenizerFast:
    """BPE over characters with a space in front of every word, in the way of SentencePiece, and a BOS before every text."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    texts = [text for all in [*QUESTIONS.values(), EXAMPLES] for question, choices, _ in all for text in [question, *choices]]
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator([*texts, "Question: Answer:\nA. B. C. D."], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def harness(lm, task: str, test: list[dict], examples: list[dict], shots: int) -> list[dict]:
    """What the harness finds for each of some rows, by its own templates of a task."""
    from datasets import Dataset, DatasetDict
    from lm_eval import evaluator
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    config = load_yaml(TaskManager().task_index[task].yaml_path)
    config.pop("dataset_path", None)
    config.pop("dataset_name", None)
    config.pop("tag", None)
    for split in ("training_split", "validation_split"):
        config.pop(split, None)
    config["test_split"] = "test"
    config["num_fewshot"] = shots
    splits = {"test": Dataset.from_list(test), "dev": Dataset.from_list(examples or test)}
    config["custom_dataset"] = lambda **_: DatasetDict(splits)
    config["metric_list"] = [
        {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm", "acc_bytes")
    ]
    found = evaluator.evaluate(lm, {task: ConfigurableTask(config=config)}, log_samples=True, bootstrap_iters=0)
    return sorted(found["samples"][task], key=lambda sample: sample["doc_id"])


def entry(sample: dict) -> dict:
    return {
        "log_likelihoods": digits([likelihood for likelihood, _ in sample["filtered_resps"]]),
        **{metric: sample[metric] for metric in ("acc", "acc_norm", "acc_bytes")},
    }


def make(out: Path, seed: int) -> None:
    from lm_eval.models.huggingface import HFLM

    tokenizer = small_tokenizer()
    model = AutoModelForCausalLM.from_pretrained(out / "tiny" / "llama", attn_implementation="eager").eval()
    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=1, max_length=256, device="cpu")
    suites = []
    for suite, task, shots in SUITES:
        examples = [row(suite, *each) for each in EXAMPLES] if shots else []
        rows = rows_of(suite)
        samples = harness(lm, task, rows, examples, shots)
        suites.append({"suite": suite, "shots": shots, "rows": [json.dumps(each, ensure_ascii=False) for each in rows],
                       "examples": [json.dumps(each, ensure_ascii=False) for each in examples],
                       "found": [entry(sample) for sample in samples]})  # fmt: skip
    write_json(out / "choices.json", {"tokenizer": tokenizer.backend_tokenizer.to_str(), "suites": suites})
    mmlu(out)


def mmlu(out: Path) -> None:
    from lm_eval.models.huggingface import HFLM

    folder = os.environ.get("DISCERN_DATA")
    if not folder or not smollm2.file.is_file():
        print("mmlu_smollm2.json needs DISCERN_DATA and SmolLM2-135M-Instruct: not made", file=sys.stderr)
        return
    lm = HFLM(pretrained=smollm2.load_model().eval(), tokenizer=smollm2.tokenizer(), batch_size=4, device="cpu")
    found = []
    # 34 of each of six subjects, less the last four; and two of each with five examples.
    for shots, count in ((0, 34), (5, 2)):
        for file in sorted((Path(folder) / "mmlu" / "test").glob("*.csv")):
            subject = file.stem.removesuffix("_test")
            rows = read(file, subject)[:count]
            examples = read(file.parents[1] / "dev" / f"{subject}_dev.csv", subject) if shots else []
            samples = harness(lm, f"mmlu_{subject}", rows, examples, shots)
            found += [
                {"subject": subject, "shots": shots, "sha256": digest(each), "log_likelihoods": entry(sample)["log_likelihoods"]}
                for each, sample in zip(rows, samples)
            ]
    zero = [each for each in found if each["shots"] == 0][:200]
    write_json(out / "mmlu_smollm2.json", zero + [each for each in found if each["shots"] > 0])


def read(file: Path, subject: str) -> list[dict]:
    with file.open(newline="", encoding="utf-8") as lines:
        return [
            {"question": question, "subject": subject, "choices": choices, "answer": LETTERS.index(answer)}
            for question, *choices, answer in csv.reader(lines)
        ]


def digest(each: dict) -> str:
    return hashlib.sha256("\n".join([each["question"].strip(), *each["choices"]]).encode()).hexdigest()[:16]
