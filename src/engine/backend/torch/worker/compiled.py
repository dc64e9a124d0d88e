"""Blocks compiled by torch.compile, where a recipe asks for it.

Attention is left out: what tokens see is different in every pass. Compiled code does not notice hooks that come later, so passes with hooks inside
blocks run as they are written, and so do steps of generation, whose shapes change all the time.
"""

from contextlib import AbstractContextManager

import torch

from .sites import Sites

#: Variants of a block that are compiled: of lengths, of what is trained in it, with gradients and without.
VARIANTS = 64


def compile_blocks(sites: Sites) -> None:
    """Has every block compiled when it runs first. All blocks share what is compiled."""
    config = torch._dynamo.config
    for name in ("recompile_limit", "cache_size_limit"):
        if hasattr(config, name):
            setattr(config, name, VARIANTS)
    for block in sites.layers:
        block.compile()


def as_written() -> AbstractContextManager[None]:
    """Passes inside run without what was compiled."""
    return torch.compiler.set_stance("force_eager")
