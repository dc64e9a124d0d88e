"""A batch of answers while they grow, on the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .interventions import Tokens


@dataclass(frozen=True)
class Request:
    """What is asked for a batch: how many tokens each answer may have, what ends it, and how tokens are chosen."""

    #: Tokens of each prompt.
    lengths: Sequence[int]
    most: Sequence[int]
    eos: Sequence[int]
    #: T of the softmax, and uniform numbers in [0, 1), a list of `most` for each row; greedy without them.
    temperature: float | None = None
    draws: Sequence[Sequence[float]] | None = None


@dataclass(frozen=True)
class Answer:
    """An answer's tokens without the one that ended it, and whether one did."""

    ids: list[int]
    ended: bool


class Growing:
    """The newest token of each row and what was written so far. Tensors stay where they are, so that a step can be recorded; rows in use come
    first."""

    def __init__(self, request: Request, device: torch.device):
        rows, steps = len(request.lengths), max(request.most)
        self.rows = rows
        self.steps = steps

        def longs(*shape: int) -> Tensor:
            return torch.zeros(*shape, dtype=torch.long, device=device)

        #: The newest token of each row, and where it stands.
        self.ids, self.positions = longs(rows, 1), longs(rows, 1)
        self.open = torch.zeros(rows, dtype=torch.bool, device=device)
        #: Which of the request's rows each is, and where its tokens are written: those of padding behind all others.
        self.row, self.slot, self.most = longs(rows), longs(rows), longs(rows)
        #: How many tokens the answers have.
        self.answered = longs(1)
        self.written = longs(rows + 1, steps)
        self.eos = longs(len(request.eos))
        #: For the host: whether logits held NaN, and which rows are open.
        self.news = torch.zeros(1 + rows, dtype=torch.bool, device=device)
        self.draws = None
        if request.draws is not None:
            self.temperature = torch.ones((), dtype=torch.float64, device=device)
            self.draws = torch.zeros(rows, steps, dtype=torch.float64, device=device)

    def begin(self, request: Request) -> None:
        """Takes in a request of the same extents."""
        rows = torch.arange(self.rows)
        self.positions.copy_(torch.tensor(request.lengths)[:, None] - 1)
        self.most.copy_(torch.tensor(request.most))
        self.open.copy_(torch.tensor(request.most) > 0)
        self.row.copy_(rows)
        self.slot.copy_(rows)
        self.answered.zero_()
        self.written.fill_(-1)
        self.news.zero_()
        self.eos.copy_(torch.tensor(request.eos, dtype=torch.long))
        if self.draws is not None:
            padded = [[*row, *[0.0] * (self.steps - len(row))] for row in request.draws]
            self.draws.copy_(torch.tensor(padded, dtype=torch.float64))
            self.temperature.fill_(request.temperature)

    def tokens(self, batch: int) -> Tokens:
        """The newest tokens as interventions see them: views, which move on with each step."""
        return Tokens(self.row[:batch], self.positions[:batch, 0], self.open[:batch], last=None, spans=())

    def state(self) -> list[Tensor]:
        """What a step changes."""
        return [self.ids, self.positions, self.open, self.answered, self.written, self.news]

    def advance(self, batch: int, logits: Tensor) -> None:
        """Chooses the next token of each open row, by its logits (batch, V)."""
        logits = logits.float()
        open_ = self.open[:batch]
        token = self._choose(batch, logits)
        self.news[:1].logical_or_((logits.isnan().any(-1) & open_).any())
        ends = (token[:, None] == self.eos).any(-1)
        self.written[self.slot[:batch], self.answered] = torch.where(open_, token, -1)
        self.answered.add_(1)
        open_.logical_and_(~ends & (self.answered < self.most[:batch]))
        self.news[1 : 1 + batch] = open_
        self.ids[:batch, 0] = token
        # A row that has ended writes to one place of its cache over and over.
        self.positions[:batch, 0] += open_

    def _choose(self, batch: int, logits: Tensor) -> Tensor:
        """The most probable token, the first of equals; or the one at which the cumulative softmax of logits/T passes the draw."""
        if self.draws is None:
            return logits.argmax(-1)
        draw = self.draws.index_select(1, self.answered)[self.row[:batch]]
        exact = logits.double()
        weights = ((exact - exact.amax(-1, keepdim=True)) / self.temperature).exp()
        cumulative = weights.cumsum(-1)
        passed = torch.searchsorted(cumulative, draw * cumulative[:, -1:], right=True)[:, 0]
        last = weights.shape[-1] - 1 - (weights.flip(-1) > 0).to(torch.uint8).argmax(-1)
        return torch.minimum(passed, last)

    def keep(self, places: Sequence[int], batch: int) -> Tensor:
        """Moves these rows to the front; rows beyond them, up to `batch`, are padding. Returns where each came from, (batch)."""
        padding = batch - len(places)
        index = torch.tensor([*places, *[places[0]] * padding], device=self.ids.device)
        for x in (self.ids, self.positions, self.open, self.row, self.slot, self.most):
            x[:batch] = x[index]
        self.open[len(places) : batch] = False
        self.slot[len(places) : batch] = self.rows
        return index

    def answers(self, request: Request) -> list[Answer]:
        found = []
        for ids in self.written[: self.rows].tolist():
            written = [token for token in ids if token >= 0]
            ended = bool(written) and written[-1] in request.eos
            found.append(Answer(written[:-1] if ended else written, ended))
        return found
