"""Small models of every kind, trained on sentences of our own, as the `model` of a tokenizer.json."""

import json

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from tokenizer_texts import CORPUS

SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def _trained(model, trainer, pre_tokenizer=None, normalizer=None) -> dict:
    tokenizer = Tokenizer(model)
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(CORPUS, trainer)
    return json.loads(tokenizer.to_str())["model"]


def _with_pieces(model: dict, pieces: list[str]) -> dict:
    """The model with more entries at the end of its vocabulary."""
    if isinstance(model["vocab"], list):
        return {**model, "vocab": model["vocab"] + [[piece, -20.0 - i / 64] for i, piece in enumerate(pieces)]}
    size = len(model["vocab"])
    return {**model, "vocab": {**model["vocab"], **{piece: size + i for i, piece in enumerate(pieces)}}}


def train() -> dict[str, dict]:
    quiet = {"show_progress": False, "special_tokens": SPECIAL}
    spaces = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    byte_bpe = _trained(
        models.BPE(),
        trainers.BpeTrainer(vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **quiet),
        pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)]),
    )
    metaspace_bpe = _trained(
        models.BPE(unk_token="<unk>"), trainers.BpeTrainer(vocab_size=330, limit_alphabet=90, **quiet), spaces
    )
    unigram = _trained(
        models.Unigram(), trainers.UnigramTrainer(vocab_size=330, unk_token="<unk>", **quiet), spaces
    )
    words = pre_tokenizers.Whitespace()
    lower = normalizers.Lowercase()
    return {
        "byte_bpe": byte_bpe,
        "metaspace_bpe": metaspace_bpe,
        "fallback_bpe": {**_with_pieces(metaspace_bpe, BYTES), "byte_fallback": True, "fuse_unk": True},
        # The bytes of é are there, most others are not.
        "part_fallback_bpe": {**_with_pieces(metaspace_bpe, ["<0xC3>", "<0xA9>", "<0x0A>"]), "byte_fallback": True},
        "suffix_bpe": _trained(
            models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
            trainers.BpeTrainer(vocab_size=260, limit_alphabet=70, end_of_word_suffix="</w>", **quiet),
            words,
            lower,
        ),
        "prefix_bpe": _trained(
            models.BPE(unk_token="<unk>", continuing_subword_prefix="##"),
            trainers.BpeTrainer(vocab_size=300, limit_alphabet=70, continuing_subword_prefix="##", **quiet),
            words,
        ),
        "unigram": unigram,
        "fallback_unigram": {**_with_pieces(unigram, BYTES), "byte_fallback": True},
        "part_fallback_unigram": {**_with_pieces(unigram, ["<0xC3>", "<0xA9>", "<0x0A>"]), "byte_fallback": True},
        "wordpiece": _trained(
            models.WordPiece(unk_token="<unk>"),
            trainers.WordPieceTrainer(vocab_size=300, limit_alphabet=80, **quiet),
            pre_tokenizers.BertPreTokenizer(),
            normalizers.BertNormalizer(),
        ),
        "wordlevel": _trained(
            models.WordLevel(unk_token="<unk>"), trainers.WordLevelTrainer(vocab_size=120, **quiet), words
        ),
    }
