"""Continues prompts, with a key-value cache: greedily, or by uniform draws that come from the client.

All rows take their steps together, so one number says how many tokens the answers have. Tokens are chosen on the device, and the host learns
a few steps later which rows are open, so that it keeps the device waiting at no step. A batch shrinks as its rows end.
"""

from typing import Any

import torch
from torch import Tensor

from .batch import Batch
from .compiled import as_written
from .errors import WorkerError
from .forward import logits_at
from .growing import Answer, Growing, Request
from .interventions import Interventions
from .keyValueCache import KeyValueCache
from .model import Model
from .state import State
from .steps import Stepper, Steps
from .telling import Telling

#: Steps that a device may be ahead of what the host knows.
LAG = 2


def generate(state: State, batch: Batch, params: dict[str, Any], acting: Interventions) -> dict[str, list[Tensor]]:
    """
    `ids`: for each row the tokens of its answer. `ends`: how many they are, and 1 where it ended by itself. A row says how many tokens its answer
    may have (`most`), and where `temperature` asks for sampling the uniform numbers it is drawn by (`draws`). Where `streams` asks for it, the
    client is told of tokens as they are chosen, of those rows that rank 0 computes (`telling.py`).
    """
    draws = None if params["temperature"] is None else [row["draws"] for row in batch.rows]
    most = [row["most"] for row in batch.rows]
    request = Request(batch.lengths(), most, params["eos"], params["temperature"], draws)
    telling = Telling(state, batch.first, request) if params["streams"] and state.tell is not None else None
    answers = answered(state.model, state.stepper, batch, request, acting, telling)
    return {
        "ids": [torch.tensor(answer.ids, dtype=torch.float32) for answer in answers],
        "ends": [torch.tensor([len(answer.ids), int(answer.ended)]) for answer in answers],
    }


def answered(
    model: Model, stepper: Stepper, batch: Batch, request: Request, acting: Interventions, telling: Telling | None = None
) -> list[Answer]:
    """The answers of a batch. Raises WorkerError("output-not-finite") where logits of an open row hold NaN, "cancelled" as `Telling.grown`."""
    if max(request.most, default=0) <= 0:
        return [Answer([], False) for _ in request.most]
    steps = stepper.begin(model.root, acting, request)
    growing = steps.growing
    try:
        with as_written():
            growing.advance(growing.rows, _prefill(model, steps.acting, batch, steps.cache))
            _grow(steps, telling)
    except BaseException:
        # What is kept for the next batch may hold NaN.
        stepper.forget()
        raise
    if steps.acting is not acting:
        acting.sums += steps.acting.sums
    return growing.answers(request)


def _prefill(model: Model, acting: Interventions, batch: Batch, cache: KeyValueCache) -> Tensor:
    """Runs the prompts, and what they begin with once: logits (B, V) of each one's last token."""
    tokens = batch.tokens()
    batch.sight.keep = cache.fill
    with acting.during(tokens):
        return logits_at(model.root, batch.ids(), batch.positions(), batch.sight, tokens.last)


def _grow(steps: Steps, telling: Telling | None) -> None:
    """Steps until all answers have ended."""
    growing, batch = steps.growing, steps.growing.rows
    news = _News(growing)
    for step in range(1, growing.steps):
        open_ = news.next(batch)
        if telling is not None:
            telling.grown(growing, step)
        if open_ is not None:
            if not open_:
                return
            smaller = steps.batch_of(len(open_))
            if smaller < batch:
                steps.cache.keep(growing.keep(open_, smaller))
                batch = smaller
                news.forget()
        steps.run(batch)
    news.last()


class _News:
    """What the host learns of a batch, up to `LAG` steps late where a device works by itself."""

    def __init__(self, growing: Growing):
        self.growing = growing
        self.lag = LAG if growing.news.is_cuda else 0
        self.sent: list[tuple[Tensor, torch.cuda.Event | None]] = []

    def next(self, batch: int) -> list[int] | None:
        """The rows that were open some steps ago; None where that is not known yet. Raises WorkerError for NaN."""
        self._send()
        if len(self.sent) <= self.lag:
            return None
        return self._open(batch)

    def last(self) -> None:
        """Waits for all steps. Raises WorkerError for NaN."""
        self.sent = []
        self._send()
        self._open(0)

    def forget(self) -> None:
        """Rows were moved: what is on its way is of their old places."""
        self.sent = []

    def _send(self) -> None:
        news = self.growing.news
        if not news.is_cuda:
            self.sent.append((news.clone(), None))
            return
        host = torch.empty(news.shape, dtype=torch.bool, pin_memory=True)
        host.copy_(news, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        self.sent.append((host, event))

    def _open(self, batch: int) -> list[int]:
        news, event = self.sent.pop(0)
        if event is not None:
            event.synchronize()
        failed, *open_ = news.tolist()
        if failed:
            raise WorkerError(
                "output-not-finite",
                "The model's next-token logits are not finite numbers (NaN). Its weights are damaged, training has diverged, or an adapter does "
                "not belong to it. Use an earlier checkpoint, or train at a lower learning rate.",
            )
        return [row for row in range(batch) if open_[row]]
