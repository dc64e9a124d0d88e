"""Activations and gradients at sites."""

from typing import Any

import torch
from torch import Tensor

from .answers import surprisals
from .batch import Batch
from .interventions import Interventions, Tap
from .state import State


def tap(state: State, batch: Batch, params: dict[str, Any], acting: Interventions) -> dict[str, list[Tensor]]:
    """
    `<tap>.<layer>`: for each row what a tap read at a layer, (tokens, width), tokens in order. Gradients are those of the row's own loss, the sum of
    the surprisals of its labelled tokens. A tap says for each row of the request which tokens are meant, [first, end); null is no end.
    """
    share = batch.share()
    taps = [
        Tap(
            at=each["at"],
            layers=each["layers"],
            module=each.get("module"),
            gradient=each["gradient"],
            first=each["first"][share.start : share.stop],
            end=[float("inf") if end is None else end for end in each["end"][share.start : share.stop]],
        )
        for each in params["taps"]
    ]
    wants = any(each.gradient for each in taps)
    with torch.set_grad_enabled(wants), acting.during(batch.tokens(), taps) as readings:
        losses = surprisals(state.model, batch)
        if wants and losses:
            # Rows are independent of each other, so the sum's gradient at a row's token is that of the row's loss.
            readings.gradients(torch.cat(losses).sum())
    return {f"{t}.{layer}": readings.of(t, layer) for t, each in enumerate(taps) for layer in each.layers}
