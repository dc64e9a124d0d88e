"""Answers that are told to the client while they grow."""

import time

from .errors import WorkerError
from .growing import Growing, Request
from .state import State

#: Seconds between two looks at a GPU, which works ahead of the host and has to be waited for.
PAUSE = 0.05


class Telling:
    """Tells the tokens of a batch's answers: a part is a list of [row of the whole batch, its new tokens]."""

    def __init__(self, state: State, first: int, request: Request):
        self.tell = state.tell
        # Ranks in lockstep must run the same passes, so one of them cannot end early.
        self.stops = not state.ranks.lockstep
        self.first = first
        self.eos = set(request.eos)
        self.told = 0
        self.looked = float("-inf")

    def grown(self, growing: Growing, steps: int) -> None:
        """Told after so many tokens were chosen for each open row. Raises WorkerError("cancelled") where nobody wants the rest."""
        now = time.monotonic()
        if growing.written.is_cuda and now - self.looked < PAUSE:
            return
        self.looked = now
        columns = growing.written[: growing.rows, self.told : steps].tolist()
        self.told = steps
        rows = [[token for token in row if token >= 0 and token not in self.eos] for row in columns]
        part = [[self.first + b, tokens] for b, tokens in enumerate(rows) if tokens]
        if part and not self.tell(part) and self.stops:
            raise WorkerError("cancelled", "The answers are no longer wanted.")
