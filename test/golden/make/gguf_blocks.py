"""gguf_blocks.json: two random blocks of each GGUF quantisation (hex) and their values by gguf-py."""

from pathlib import Path

import gguf
import numpy as np

from write import digits, write_json

NAMES = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"]


def make(out: Path, seed: int) -> None:
    generator = np.random.default_rng(11 + seed)
    entries = {}
    for name in NAMES:
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        raw, values = _finite_blocks(generator, kind, size)
        entries[name] = {
            "block": elements,
            "bytes_per_block": size,
            "hex": raw.tobytes().hex(),
            "values": digits(values),
        }
    write_json(out / "gguf_blocks.json", entries)


def _finite_blocks(generator, kind, size: int):
    """Random bytes whose scales happen to be finite and of a sensible size."""
    while True:
        raw = generator.integers(0, 256, (2, size), dtype=np.uint8)
        values = gguf.quants.dequantize(raw, kind)
        if np.isfinite(values).all() and np.abs(values).max() < 1e4:
            return raw, values
