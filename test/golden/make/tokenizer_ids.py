"""tokenizers/: small tokenizers with every option of the tokenizers library, and the ids and texts it makes with them.

models.json holds the models, cases.json the other parts; a case names its model and may change some of its options.
`ids` are of each text in texts.json, `special` those of `special_texts` with what the post-processor adds, `decoded` the
texts of `ids` where they differ from the text itself. folders.json holds Hugging Face folders with what AutoTokenizer makes
of them.
"""

import base64
import json
import tempfile
import zlib
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

from tokenizer_models import train
from tokenizer_texts import TEXTS
from write import write_json

# fi ligature, circled one, full-width letters, white space, fractions and more, as SentencePiece 0.2 compiles such rules.
CHARSMAP = base64.b64encode(
    zlib.decompress(
        base64.b64decode(
            "eNod03uQT2UYB/Dn96PR/mGapjGj0W1Kk6g1uyVddNkKuRSJSkglq82gO5X4LauWRVtWhWS3C7Z22ZYoWpdWN7Nl6X4vy6gZFUW58znOzGe"
            "+z7zPe2beM+9zonlEnBWR1TIiFZFpaJ2OwhMiWqvLT444SWbapiNLllj3ZJolPftbJL3x6cj0iGilLrRWcWpE7Y0RXs1Msv8UaSmea0xHG1"
            "ln7+nyNM7kDKoa0skR4hzO5lzach4LqyPOl+3oQHsu5AI6ks37J6ajriwdF6lz6cTFdOYSLuNSruByrqQLV3MVeVzDdVxLV66nO91w5LiBX"
            "vTE50Vv+nATN9OXW+jHAPpzG7cykNsZxB0MYTBDuZO7uYth3MNw7mUE+RRwHyO5n1HJnuJ0jJGjeZAHeJiHeJRHGMtjPM44nuQJnmI8E5lA"
            "YXKpTGYSUyjiGZ5mKsWUMI0ZTOdZZiZ3SymzeJ7ZlPEiLzCHl5jHXObzMgt4hQrKeY1XeYPXWZTcP5Us5i3epDqZGZayhLepYRm1vMNyVrK"
            "C93iX1axKZjCZGdayhvWso54P+JANfMxHfMonSa8mFRvlZzSwic/ZTCNfsIWv+JJv+Jrv+JYf+J6f+JFf+Jnf+JUmtrKdbezg76pU/CF/T3"
            "rFqWgqTcWf6p1Jj7/YzS7+5R/2sof/+Y/97OMgBzjMIY5yJI7//9nZ2ZETOVsLi3L9QnnGML8g6ivjGJMHnEU="
        )
    )
).decode()

CL100K = (
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
    "\\s+(?!\\S)|\\s+"
)
QWEN = CL100K.replace("{1,3}", "")
# Possessive quantifiers, an atomic group and classes of classes, as in newer models' expressions.
POSSESSIVE = "'(?>[sdmt]|ll|ve|re)|\\p{L}++|\\p{N}{1,3}+|[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s"
CASED = "[\\p{Lu}\\p{Lt}]*[\\p{Ll}\\p{M}]+|[[:punct:]]+|[\\p{Han}\\p{Hiragana}\\p{Katakana}]+|(?<=\\s)\\S|[^a-c&&[a-f]]"


def _split(behavior: str, invert: bool = False, **pattern) -> dict:
    return {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}


def _byte_level(prefix: bool = False, regex: bool = True) -> dict:
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def _metaspace(scheme: str, split: bool = True, replacement: str = "▁") -> dict:
    return {"type": "Metaspace", "replacement": replacement, "prepend_scheme": scheme, "split": split}


def _replace(content: str, **pattern) -> dict:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _norm(*parts: dict) -> dict:
    return {"type": "Sequence", "normalizers": list(parts)}


def _pre(*parts: dict) -> dict:
    return {"type": "Sequence", "pretokenizers": list(parts)}


def _dec(*parts: dict) -> dict:
    return {"type": "Sequence", "decoders": list(parts)}


def _added(*tokens, **flags) -> list[dict]:
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"content": token, **base, **flags} for token in tokens]


def _template(single: list[str], pair: list[str], special: dict[str, int]) -> dict:
    def piece(text: str) -> dict:
        name, _, kind = text.partition(":")
        if name in ("$A", "$B"):
            return {"Sequence": {"id": name[1], "type_id": int(kind or 0)}}
        return {"SpecialToken": {"id": name, "type_id": int(kind or 0)}}

    return {
        "type": "TemplateProcessing",
        "single": [piece(text) for text in single],
        "pair": [piece(text) for text in pair],
        "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]} for token, id in special.items()},
    }


SPECIAL = _added("<unk>", "<s>", "</s>")
BOS = _template(["<s>", "$A"], ["<s>", "$A", "<s>:1", "$B:1"], {"<s>": 1})
BOS_EOS = _template(["<s>", "$A", "</s>"], ["<s>", "$A", "</s>", "$B:1", "</s>:1"], {"<s>": 1, "</s>": 2})
SPACES = _replace("▁", String=" ")
LEGACY = _norm({"type": "Prepend", "prepend": "▁"}, SPACES)
UNSPACE = _replace(" ", String="▁")
FALLBACK = _dec(UNSPACE, {"type": "ByteFallback"}, {"type": "Fuse"})
LLAMA = _dec(*FALLBACK["decoders"], {"type": "Strip", "content": " ", "start": 1, "stop": 0})
BERT = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
BYTE = {"model": "byte_bpe", "decoder": _byte_level(True)}
META = {"model": "metaspace_bpe", "pre_tokenizer": _metaspace("always"), "decoder": _metaspace("always")}
PIECE = {"model": "wordpiece", "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}}
WORD = {"model": "wordlevel"}

CASES: dict[str, dict] = {
    # Kinds of published models.
    "gpt2": {**BYTE, "pre_tokenizer": _byte_level()},
    "smollm2": {**BYTE, "pre_tokenizer": _pre({"type": "Digits", "individual_digits": True}, _byte_level())},
    "llama3": {
        **BYTE,
        "pre_tokenizer": _pre(_split("Isolated", Regex=CL100K), _byte_level(regex=False)),
        "post_processor": {"type": "Sequence", "processors": [_byte_level(), BOS]},
        "options": {"ignore_merges": True},
        "added": _added("<|end|>"),
    },
    "qwen2": {
        **BYTE,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": _pre(_split("Isolated", Regex=QWEN), _byte_level(regex=False)),
        "post_processor": _byte_level(),
        "added": _added("<|end|>"),
    },
    "gemma": {
        "model": "fallback_bpe",
        "normalizer": SPACES,
        "pre_tokenizer": _split("MergedWithPrevious", String=" "),
        "post_processor": BOS,
        "decoder": FALLBACK,
        "added": _added("<|end|>"),
    },
    "llama2": {"model": "fallback_bpe", "normalizer": LEGACY, "post_processor": BOS, "decoder": LLAMA},
    "mistral": {
        "model": "fallback_bpe",
        "pre_tokenizer": _metaspace("first", split=False),
        "post_processor": BOS_EOS,
        "decoder": LLAMA,
    },
    "phi3": {
        "model": "fallback_bpe",
        "normalizer": LEGACY,
        "decoder": LLAMA,
        "added": _added("<|end|>", rstrip=True),
    },
    "neox": {**BYTE, "normalizer": {"type": "NFC"}, "pre_tokenizer": _byte_level(), "added": _added("  ", special=False)},
    "falcon": {
        **BYTE,
        "pre_tokenizer": _pre(
            {"type": "Punctuation", "behavior": "Contiguous"},
            _byte_level(),
            {"type": "Digits", "individual_digits": False},
            _split("Isolated", Regex="[0-9][0-9][0-9]"),
        ),
    },
    "deepseek": {
        **BYTE,
        "pre_tokenizer": _pre(
            _split("Isolated", Regex="[\r\n]"),
            _split("Isolated", Regex="\\s?\\p{L}+"),
            _split("Isolated", Regex="\\s?\\p{P}+"),
            _split("Isolated", Regex="[一-龥ࠀ-一가-퟿]+"),
            {"type": "Digits", "individual_digits": True},
            _byte_level(regex=False),
        ),
    },
    "t5": {"model": "unigram", "pre_tokenizer": _metaspace("always"), "post_processor": BOS_EOS, "decoder": _metaspace("always")},
    "clip": {
        "model": "suffix_bpe",
        "normalizer": _norm({"type": "NFC"}, _replace(" ", Regex="\\s+"), {"type": "Lowercase"}),
        "pre_tokenizer": _split("Removed", True, Regex="'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"),
        "post_processor": {
            "type": "RobertaProcessing",
            "sep": ["</s>", 2],
            "cls": ["<s>", 1],
            "trim_offsets": False,
            "add_prefix_space": False,
        },
        "decoder": {"type": "BPEDecoder", "suffix": "</w>"},
    },
    "bert": {
        **PIECE,
        "normalizer": BERT,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]},
    },
    # Options of the models.
    "bpe without fuse_unk": META,
    "bpe with fuse_unk": {**META, "options": {"fuse_unk": True}},
    "bpe without unk": {**META, "options": {"unk_token": None}},
    "bpe of some bytes": {**META, "model": "part_fallback_bpe", "decoder": FALLBACK},
    "bpe of some bytes, unk fused": {**META, "model": "part_fallback_bpe", "options": {"fuse_unk": True}},
    "bpe with ignore_merges": {**META, "options": {"ignore_merges": True}},
    "bpe with dropout 0": {**META, "options": {"dropout": 0.0}},
    "bpe with continuing_subword_prefix": {"model": "prefix_bpe", "pre_tokenizer": {"type": "Whitespace"}, "decoder": PIECE["decoder"]},
    "bpe with end_of_word_suffix": {"model": "suffix_bpe", "pre_tokenizer": {"type": "WhitespaceSplit"}},
    "unigram with byte_fallback": {
        "model": "fallback_unigram",
        "pre_tokenizer": _metaspace("always"),
        "decoder": LLAMA,
    },
    "unigram of some bytes": {"model": "part_fallback_unigram", "pre_tokenizer": _metaspace("first"), "decoder": LLAMA},
    "unigram without pre_tokenizer": {"model": "unigram"},
    "wordpiece of short words": {**PIECE, "pre_tokenizer": {"type": "Whitespace"}, "options": {"max_input_chars_per_word": 6}},
    "wordpiece with another prefix": {**PIECE, "pre_tokenizer": {"type": "WhitespaceSplit"}, "options": {"continuing_subword_prefix": "@"}},
    "wordlevel": {**WORD, "pre_tokenizer": {"type": "Whitespace"}},
    "wordlevel without pre_tokenizer": WORD,
    # Normalizers.
    "NFC": {**META, "normalizer": {"type": "NFC"}},
    "NFD": {**META, "normalizer": {"type": "NFD"}},
    "NFKC": {**META, "normalizer": {"type": "NFKC"}},
    "NFKD": {**META, "normalizer": {"type": "NFKD"}},
    "Lowercase": {**META, "normalizer": {"type": "Lowercase"}},
    "Strip left": {**META, "normalizer": {"type": "Strip", "strip_left": True, "strip_right": False}},
    "Strip right": {**META, "normalizer": {"type": "Strip", "strip_left": False, "strip_right": True}},
    "StripAccents": {**META, "normalizer": _norm({"type": "NFD"}, {"type": "StripAccents"})},
    "Replace of a string": {**META, "normalizer": _replace("low", String="the")},
    "Replace of an expression": {**META, "normalizer": _replace(" ", Regex=" {2,}|\\p{P}")},
    "Prepend": {**META, "normalizer": {"type": "Prepend", "prepend": "low "}},
    "Nmt": {**META, "normalizer": {"type": "Nmt"}},
    "Precompiled": {**META, "normalizer": {"type": "Precompiled", "precompiled_charsmap": CHARSMAP}},
    "ByteLevel normalizer": {**BYTE, "normalizer": {"type": "ByteLevel"}, "pre_tokenizer": _split("Isolated", Regex="Ġ?\\w+|[^\\w]+")},
    "BertNormalizer that keeps accents": {**PIECE, "normalizer": {**BERT, "strip_accents": False}, "pre_tokenizer": {"type": "BertPreTokenizer"}},
    "BertNormalizer that keeps case": {
        **PIECE,
        "normalizer": {**BERT, "clean_text": False, "handle_chinese_chars": False, "strip_accents": True, "lowercase": False},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    },
    # Pre-tokenizers.
    "ByteLevel with a prefix space": {**BYTE, "pre_tokenizer": _byte_level(True)},
    "ByteLevel without its expression": {**BYTE, "pre_tokenizer": _byte_level(regex=False)},
    "possessive quantifiers": {**BYTE, "pre_tokenizer": _pre(_split("Isolated", Regex=POSSESSIVE), _byte_level(regex=False))},
    "cased classes": {**BYTE, "pre_tokenizer": _pre(_split("Isolated", Regex=CASED), _byte_level(regex=False))},
    "Split Removed": {**META, "pre_tokenizer": _split("Removed", String=" ")},
    "Split Isolated": {**META, "pre_tokenizer": _split("Isolated", String="l")},
    "Split MergedWithPrevious": {**META, "pre_tokenizer": _split("MergedWithPrevious", Regex="\\s|e")},
    "Split MergedWithNext": {**META, "pre_tokenizer": _split("MergedWithNext", Regex="\\s|e")},
    "Split Contiguous": {**META, "pre_tokenizer": _split("Contiguous", Regex="[a-m]")},
    "Split Removed, inverted": {**META, "pre_tokenizer": _split("Removed", True, Regex="\\w+")},
    "Split Isolated, inverted": {**META, "pre_tokenizer": _split("Isolated", True, Regex="[a-z]+")},
    "Split MergedWithPrevious, inverted": {**META, "pre_tokenizer": _split("MergedWithPrevious", True, Regex="[a-z]+")},
    "Split MergedWithNext, inverted": {**META, "pre_tokenizer": _split("MergedWithNext", True, Regex="[a-z]+")},
    "Split Contiguous, inverted": {**META, "pre_tokenizer": _split("Contiguous", True, Regex="[a-z]")},
    **{
        f"Punctuation {behavior}": {**WORD, "pre_tokenizer": _pre({"type": "WhitespaceSplit"}, {"type": "Punctuation", "behavior": behavior})}
        for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    },
    "Digits together": {**META, "pre_tokenizer": {"type": "Digits", "individual_digits": False}},
    "Digits one by one": {**META, "pre_tokenizer": {"type": "Digits", "individual_digits": True}},
    "CharDelimiterSplit": {**META, "pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": "o"}},
    "UnicodeScripts": {**META, "pre_tokenizer": {"type": "UnicodeScripts"}},
    "FixedLength": {**META, "pre_tokenizer": {"type": "FixedLength", "length": 3}},
    "Metaspace first, split": {**META, "pre_tokenizer": _metaspace("first"), "decoder": _metaspace("first"), "added": _added("<|end|>")},
    "Metaspace never": {**META, "pre_tokenizer": _metaspace("never"), "decoder": _metaspace("never")},
    "Metaspace always, whole": {**META, "pre_tokenizer": _metaspace("always", split=False), "added": _added("<|end|>")},
    "Metaspace with another sign": {**META, "pre_tokenizer": _metaspace("always", replacement="_"), "decoder": _metaspace("always", replacement="_")},
    "Metaspace of an old file": {
        **META,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "str_rep": "▁", "add_prefix_space": True},
    },
    # Added tokens.
    "added single_word": {**META, "added": _added("word", "<|end|>", single_word=True, special=False)},
    "added lstrip": {**META, "added": _added("<|end|>", lstrip=True)},
    "added rstrip": {**META, "added": _added("<|end|>", rstrip=True)},
    "added both strips": {**META, "added": _added("<|end|>", "word", lstrip=True, rstrip=True)},
    "added normalized": {**META, "normalizer": {"type": "Lowercase"}, "added": _added("<|END|>", "WORD", normalized=True, special=False)},
    "added as they stand": {**META, "normalizer": {"type": "Lowercase"}, "added": _added("<|end|>", "WORD", special=False)},
    "added behind Prepend": {"model": "fallback_bpe", "normalizer": LEGACY, "decoder": LLAMA, "added": _added("<|end|>", normalized=True)},
    "added with one in another": {**META, "added": _added("<|end|>", "<|end|><|end|>", "hello<|", special=False)},
    # Decoders.
    "CTC decoder": {**META, "decoder": {"type": "CTC", "pad_token": "e", "word_delimiter_token": "▁", "cleanup": True}},
    "WordPiece decoder without cleanup": {**PIECE, "pre_tokenizer": {"type": "Whitespace"}, "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": False}},
    "Replace and Fuse": {**META, "decoder": _dec(_replace("+", Regex="[▁e]"), {"type": "Fuse"})},
    "Strip of every token": {**META, "decoder": {"type": "Strip", "content": "▁", "start": 1, "stop": 0}},
    "ByteFallback alone": {"model": "fallback_bpe", "decoder": {"type": "ByteFallback"}},
    # Sections that transformers does not follow unless it is asked to.
    "truncation and padding": {
        **META,
        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0},
        "padding": {
            "strategy": {"Fixed": 16},
            "direction": "Left",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "<unk>",
        },
    },
}

# Post-processors are looked at on these.
SPECIAL_TEXTS = ["", "hello", "<s>hello</s>", "hello <|end|> world"]
# Texts decoded token by token, as an answer that is being written.
STREAMED = ["Zürich café naïve façade Ångström Straße", "a🙂b🙂c", "hello <|end|> world"]
STREAMING = ("smollm2", "gemma", "llama2", "unigram with byte_fallback", "bert")


def assemble(case: dict, trained: dict[str, dict]) -> dict:
    """The tokenizer.json of a case."""
    model = {**trained[case["model"]], **case.get("options", {})}
    size = len(model["vocab"])
    added = [{"id": i, **token} for i, token in enumerate(SPECIAL)]
    for token in case.get("added", []):
        known = model["vocab"].get(token["content"]) if isinstance(model["vocab"], dict) else None
        added.append({"id": size if known is None else known, **token})
        size += known is None
    parts = {key: case.get(key) for key in ("normalizer", "pre_tokenizer", "post_processor", "decoder")}
    sections = {key: case.get(key) for key in ("truncation", "padding")}
    return {"version": "1.0", **sections, "added_tokens": added, **parts, "model": model}


def _expected(name: str, file: dict) -> dict:
    tokenizer = Tokenizer.from_str(json.dumps(file))
    # What transformers does before it encodes.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    decoded = [tokenizer.decode(each) for each in ids]
    found = {
        "ids": ids,
        "decoded": [None if found == text else found for found, text in zip(decoded, TEXTS)],
        "special": [tokenizer.encode(text).ids for text in SPECIAL_TEXTS],
    }
    if name in STREAMING:
        streams = [tokenizer.encode(text, add_special_tokens=False).ids for text in STREAMED]
        found["streams"] = [
            {"ids": each, "texts": [tokenizer.decode(each[: i + 1], skip_special_tokens=False) for i in range(len(each))]}
            for each in streams
        ]
    return found


def make(out: Path, seed: int) -> None:
    trained = train()
    write_json(out / "tokenizers" / "texts.json", {"texts": TEXTS, "special_texts": SPECIAL_TEXTS})
    _write_compact(out / "tokenizers" / "models.json", trained)
    cases = {}
    for name, case in CASES.items():
        file = assemble(case, trained)
        cases[name] = {
            "model": case["model"],
            "options": case.get("options", {}),
            "parts": {key: value for key, value in file.items() if key != "model"},
            **_expected(name, file),
        }
    _write_compact(out / "tokenizers" / "cases.json", cases)
    folders = {name: _folder(folder, trained) for name, folder in FOLDERS.items()}
    _write_compact(out / "tokenizers" / "folders.json", folders)


LLAMA_CLASS = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
FAST = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
END = {"content": "<|end|>", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
BASE_TOKENS = {str(i): {key: token[key] for key in END} for i, token in enumerate(SPECIAL)}

# What lies beside tokenizer.json: the case it is of, and the other files.
FOLDERS: dict[str, dict] = {
    "LlamaTokenizer, legacy false": {"case": "llama2", "config": {**LLAMA_CLASS, "legacy": False}},
    "LlamaTokenizer, legacy true": {"case": "llama2", "config": {**LLAMA_CLASS, "legacy": True}},
    "LlamaTokenizerFast, legacy not said": {"case": "llama2", "config": {**LLAMA_CLASS, "tokenizer_class": "LlamaTokenizerFast"}},
    "LlamaTokenizer without a prefix space": {"case": "llama2", "config": {**LLAMA_CLASS, "add_prefix_space": False}},
    "LlamaTokenizer with added tokens": {
        "case": "phi3",
        "config": {**LLAMA_CLASS, "legacy": False, "added_tokens_decoder": {**BASE_TOKENS, "586": END}, "eos_token": "<|end|>"},
    },
    "LlamaTokenizer without names": {"case": "llama2", "config": {"tokenizer_class": "LlamaTokenizer", "legacy": False}},
    "LlamaTokenizer of a mistral": {"case": "llama2", "config": {**LLAMA_CLASS, "legacy": False}, "model": {"model_type": "mistral"}},
    "LlamaTokenizer of a phi3": {"case": "phi3", "config": {**LLAMA_CLASS, "legacy": False}, "model": {"model_type": "phi3"}},
    "LlamaTokenizer that is byte-level": {"case": "llama3", "config": {**LLAMA_CLASS, "legacy": False}},
    "Qwen2Tokenizer": {
        "case": "qwen2",
        "config": {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|end|>", "pad_token": "<|end|>", "unk_token": None},
        "model": {"model_type": "qwen2"},
    },
    "GemmaTokenizer": {
        "case": "gemma",
        "config": {**FAST, "tokenizer_class": "GemmaTokenizer", "pad_token": "<unk>", "mask_token": None},
        "model": {"model_type": "gemma2"},
    },
    "added_tokens_decoder that tokenizer.json lacks": {
        "case": "gpt2",
        "config": {**FAST, "eos_token": "<|end|>", "added_tokens_decoder": {**BASE_TOKENS, "420": END, "421": {**END, "content": "word", "special": False, "lstrip": True}}},
    },
    "added_tokens_decoder that describes anew": {
        "case": "phi3",
        "config": {**FAST, "added_tokens_decoder": {**BASE_TOKENS, "586": {**END, "lstrip": True}}},
        "model": {"model_type": "phi3"},
    },
    "added_tokens.json": {"case": "gpt2", "config": {**FAST, "eos_token": "<|end|>"}, "added": {"<|end|>": 420, "word": 421}},
    "special_tokens_map.json": {
        "case": "gpt2",
        "config": FAST,
        "map": {"eos_token": {**{key: END[key] for key in END if key != "special"}, "rstrip": True}, "pad_token": "<unk>"},
    },
    "named tokens that are nowhere": {"case": "gpt2", "config": {**FAST, "eos_token": "<|end|>", "pad_token": "word"}},
    "a named token of the vocabulary": {"case": "gpt2", "config": {**FAST, "eos_token": "the"}},
    "extra_special_tokens": {"case": "gpt2", "config": {**FAST, "extra_special_tokens": ["<|end|>", "word"]}},
    "additional_special_tokens": {"case": "gpt2", "config": {**FAST, "additional_special_tokens": ["<|end|>", {"__type": "AddedToken", **END, "content": "word"}]}},
    "extra_special_tokens with names": {"case": "gpt2", "config": {**FAST, "extra_special_tokens": {"end_token": "<|end|>"}, "image_token": "word"}},
    "add_bos_token and add_eos_token": {"case": "gpt2", "config": {**FAST, "add_bos_token": True, "add_eos_token": True}},
}
FOLDER_TEXTS = [text for text in TEXTS if "<" in text or "word" in text.lower()] + [" hello", "hello", "\nhello", "Zürich 猫 12½"]


def _folder(folder: dict, trained: dict[str, dict]) -> dict:
    file = assemble(CASES[folder["case"]], trained)
    model = {"model_type": "llama", "vocab_size": 1000, **folder.get("model", {})}
    files = {"tokenizer.json": file, "tokenizer_config.json": folder["config"], "config.json": model}
    if "map" in folder:
        files["special_tokens_map.json"] = folder["map"]
    if "added" in folder:
        files["added_tokens.json"] = folder["added"]
    with tempfile.TemporaryDirectory() as path:
        for name, content in files.items():
            (Path(path) / name).write_text(json.dumps(content), encoding="utf-8")
        tokenizer = AutoTokenizer.from_pretrained(path)
    encoded = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in FOLDER_TEXTS]
    return {
        **folder,
        "eos": tokenizer.eos_token_id,
        "pad": tokenizer.pad_token_id,
        "beginning": tokenizer("hello")["input_ids"],
        "texts": FOLDER_TEXTS,
        "ids": encoded,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False) for ids in encoded],
    }


def _write_compact(path: Path, entries: dict) -> None:
    """One line an entry."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key, ensure_ascii=False)}:{json.dumps(value, ensure_ascii=False, separators=(',', ':'))}" for key, value in entries.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
