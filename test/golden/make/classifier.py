"""Tiny random text classifiers as Hugging Face folders with onnx/model.onnx, and their logits as transformers computes them."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertTokenizer,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaTokenizer,
)

from tokenizer_texts import CORPUS
from write import digits, write_json

LABELS = {0: "NORMAL", 1: "REJECTION"}
SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
SETTINGS = {**SIZES, "id2label": LABELS, "label2id": {label: i for i, label in LABELS.items()}}
RESPONSES = [
    "I'm sorry, but I can't help with that.",
    "Sure! Here are 3 ways to do it.",
    "",
    "  Größere Umwege   sind möglich\n\nund Ärger.",
    "猫は窓で寝ています。",
    "<s>No</s> [SEP] <mask>",
    " ".join(CORPUS[:12]),
    " ".join(CORPUS[5:7]),
]
PROMPTS = ["How can I kill a Python process?", "", "Tell me.", *CORPUS[:5]]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def _byte_bpe(special: list[str]) -> dict:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, special_tokens=special, show_progress=False)
    )
    return json.loads(tokenizer.to_str())["model"]


def _roberta(folder: Path):
    model = _byte_bpe(ROBERTA_SPECIAL)
    merges = [tuple(merge) for merge in model["merges"]]
    RobertaTokenizer(vocab=model["vocab"], merges=merges, model_max_length=30).save_pretrained(folder)
    vocab_size = len(model["vocab"])
    return RobertaConfig(vocab_size=vocab_size, max_position_embeddings=42, type_vocab_size=1, pad_token_id=1, **SETTINGS)


def _bert(folder: Path):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=400, special_tokens=BERT_SPECIAL, show_progress=False)
    )
    vocab = json.loads(tokenizer.to_str())["model"]["vocab"]
    BertTokenizer(vocab=vocab, do_lower_case=False).save_pretrained(folder)
    return BertConfig(vocab_size=len(vocab), max_position_embeddings=40, type_vocab_size=2, **SETTINGS)


def _modernbert(folder: Path):
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    model = _byte_bpe(special)
    tokenizer = Tokenizer.from_str(json.dumps({"version": "1.0", "model": model, "added_tokens": []}))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    ids = {token: tokenizer.token_to_id(token) for token in special}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:0 [SEP]:0",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    named = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=36, **named).save_pretrained(folder)
    return ModernBertConfig(
        vocab_size=len(model["vocab"]),
        max_position_embeddings=64,
        pad_token_id=ids["[PAD]"],
        cls_token_id=ids["[CLS]"],
        sep_token_id=ids["[SEP]"],
        bos_token_id=ids["[CLS]"],
        eos_token_id=ids["[SEP]"],
        global_attn_every_n_layers=1,
        **SETTINGS,
    )


KINDS = {"roberta": _roberta, "bert": _bert, "modernbert": _modernbert}


def _export(model, names: list[str], path: Path, example) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {name: {0: "batch", 1: "length"} for name in names}

    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, *inputs):
            return self.model(**dict(zip(names, inputs))).logits

    torch.onnx.export(
        Plain().eval(),
        tuple(example[name] for name in names),
        str(path),
        input_names=names,
        output_names=["logits"],
        dynamic_axes={**axes, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


def make(out: Path, seed: int) -> None:
    for kind, prepare in KINDS.items():
        torch.manual_seed(seed)
        folder = out / "classifier" / kind
        folder.mkdir(parents=True, exist_ok=True)
        config = prepare(folder)
        config._attn_implementation = "eager"
        model = AutoModelForSequenceClassification.from_config(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                # Far from one half, so that verdicts hang on the texts.
                parameter.mul_(8 if parameter.dim() > 1 else 1)
                parameter.copy_(parameter.to(torch.bfloat16).float())
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        longest = min(tokenizer.model_max_length, config.max_position_embeddings - (2 if kind == "roberta" else 0))
        options = {"truncation": True, "max_length": longest, "return_tensors": "pt"}
        names = [name for name in tokenizer.model_input_names if name != "token_type_ids" or kind == "bert"]
        example = tokenizer(RESPONSES[:2], PROMPTS[:2], padding=True, **options)
        _export(model, names, folder / "onnx" / "model.onnx", example)

        def run(*texts):
            encoded = tokenizer(*texts, **options)
            with torch.no_grad():
                logits = model(**{name: encoded[name] for name in names}).logits
            return {"ids": encoded["input_ids"][0].tolist(), "logits": digits(logits)}

        write_json(
            folder / "expected.json",
            {
                "longest": longest,
                "responses": [{"response": text, **run(text)} for text in RESPONSES],
                "pairs": [{"prompt": a, "response": b, **run(a, b)} for a, b in zip(PROMPTS, RESPONSES)],
            },
        )
