"""The table of methods: what can be asked of the worker. A method takes state, parameters and tensors, and gives a result and tensors."""

from collections.abc import Callable
from typing import Any

from . import contrast, gradients, training, weights
from .answers import answer_losses
from .features import prompt_features
from .frames import Tensors
from .generation import generate
from .kernel import kernel
from .loading import load
from .measure import in_shares, measured
from .nextTokens import next_tokens
from .score import score
from .state import State
from .tap import tap
from .use import use

Method = Callable[[State, dict[str, Any], Tensors], tuple[dict[str, Any], Tensors]]


METHODS: dict[str, Method] = {
    "load": load,
    "nextTokens": measured(next_tokens),
    "score": measured(score),
    "features": measured(prompt_features),
    "losses": measured(answer_losses),
    "generate": in_shares(generate, passes_follow_rows=True),
    "tap": in_shares(tap),
    "kernel": kernel,
    "gradients.begin": gradients.begin,
    "gradients.texts": gradients.texts,
    "gradients.outside": gradients.outside,
    "gradients.layer": gradients.layer,
    "gradients.embedding": gradients.embedding,
    "gradients.end": gradients.end,
    "use": use,
    "trainer.create": training.create,
    "trainer.clear": training.clear,
    "trainer.answers": training.answers,
    "trainer.features": contrast.features,
    "trainer.gradients": contrast.gradients,
    "trainer.norm": training.norm,
    "trainer.update": training.update,
    "trainer.read": training.read,
    "trainer.write": training.write,
    "trainer.finish": training.finish,
    "adopt": weights.adopt,
    "replace": weights.replace,
    "weights": weights.read,
}
