"""What a worker holds between requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import WorkerError
from .ranks import Ranks
from .steps import Stepper

if TYPE_CHECKING:
    from .model import Model
    from .tile import Tile
    from .trainer import Trainer


@dataclass
class State:
    ranks: Ranks
    #: Gives the client a part of an answer, on rank 0; False where the rest is no longer wanted.
    tell: Callable[[list[Any]], bool] | None = None
    loaded: Model | None = None
    training: Trainer | None = None
    #: Rows whose gradients' products are being worked out.
    tile: Tile | None = None
    #: Steps of generation that were recorded.
    stepper: Stepper = field(default_factory=Stepper)

    @property
    def model(self) -> Model:
        if self.loaded is None:
            raise WorkerError("request-invalid", "No model is loaded yet.")
        return self.loaded

    @property
    def trainer(self) -> Trainer:
        if self.training is None:
            raise WorkerError("request-invalid", "No trainer was created, or it is finished.")
        return self.training

    @property
    def rows_of_gradients(self) -> Tile:
        if self.tile is None:
            raise WorkerError("request-invalid", "No rows of gradients were begun.")
        return self.tile
