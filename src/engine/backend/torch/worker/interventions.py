"""Interventions and taps by forward hooks, as `interventions.ts` defines them.

What arrives is resolved: an intervention is what it reads (`read`, a vector), what it writes (`write`), and for each row of the batch the
tokens it acts on, [first, end) counted in the row's text, and the factor of the change. x' = x + factor·(h·read)·write, where h is x itself or
the prompt's last token; without `read` it is x + factor·write. With `restoreNorm` x' is scaled to the length of x.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .compiled import as_written
from .sites import Sites


@dataclass(frozen=True)
class Tokens:
    """Which tokens a pass runs, in the order of the activations once they are (N, width)."""

    #: The row of the batch that each belongs to, (N); B for those that all rows begin with.
    row: Tensor
    #: Where each stands in its text, (N).
    position: Tensor
    #: Whether it is a token of a text, and not padding, (N) bool.
    own: Tensor
    #: Each row's last prompt token among the N, (B); None where the prompts were run before.
    last: Tensor | None
    #: For each row the positions that are run, as [start, stop).
    spans: Sequence[tuple[int, int]]


@dataclass
class Intervention:
    """One intervention on the rows of a batch."""

    at: str
    layers: Sequence[int]
    module: str | None
    #: What is read of the token itself ("self") or of the prompt's last ("last"); None where nothing is.
    reads: str | None
    #: Whether x' is scaled to the length of x.
    restores: bool
    read: Tensor | None
    write: Tensor
    #: For each row: the tokens, [first, end), and the factor.
    first: Tensor
    end: Tensor
    scale: Tensor

    def acts(self, spans: Sequence[tuple[int, int]]) -> bool:
        """Whether it changes a token of these."""
        rows = zip(self.first.tolist(), self.end.tolist(), self.scale.tolist(), spans)
        return any(scale != 0 and first < stop and end > start for first, end, scale, (start, stop) in rows)


@dataclass(frozen=True)
class Tap:
    """What is read at a site, behind the interventions there: of each row the tokens [first, end)."""

    at: str
    layers: Sequence[int]
    module: str | None
    gradient: bool
    first: Sequence[int]
    end: Sequence[int]


#: What is summed up of each intervention and row: activations acted on, ‖x' − x‖, ‖x‖, and ‖x' − x‖/‖x‖.
SUMS = 4


class Interventions:
    """The interventions in force on one batch, and what they did to it."""

    def __init__(self, sites: Sites, interventions: Sequence[Intervention], rows: int, device: torch.device):
        self.sites = sites
        self.interventions = interventions
        self.device = device
        #: (interventions, rows + 1, SUMS): of each row, and of the tokens that all begin with.
        self.sums = torch.zeros(len(interventions), rows + 1, SUMS, dtype=torch.float64, device=device)
        #: x·read of each row's last prompt token, (rows + 1), by intervention and layer, for what is generated behind it.
        self.lasts: dict[tuple[int, int], Tensor] = {}
        self._vectors = [
            (None if each.read is None else each.read.to(device), each.write.to(device)) for each in interventions
        ]
        # What all rows begin with is changed as in any of them, or not at all.
        self._ranges = [
            tuple(torch.cat([x, x[:1]]).to(device) for x in (each.first, each.end, each.scale))
            for each in interventions
        ]

    @staticmethod
    def of_request(
        sites: Sites, params: Mapping, tensors: Mapping[str, Tensor], rows: range, device: torch.device
    ) -> "Interventions":
        """Those of a request, its `interventions` with tensors `intervention.<i>.<read|write|first|end|scale>`, on some of its rows."""
        given = []
        for i, each in enumerate(params.get("interventions", ())):
            name = f"intervention.{i}"
            first, end, scale = (tensors[f"{name}.{x}"][rows.start : rows.stop] for x in ("first", "end", "scale"))
            read, write = tensors.get(f"{name}.read"), tensors[f"{name}.write"]
            where = (each["at"], each["layers"], each.get("module"))
            given.append(Intervention(*where, each["reads"], each["restoreNorm"], read, write, first, end, scale))
        return Interventions(sites, given, len(rows), device)

    def effects(self) -> dict[str, list[Tensor]]:
        """For each row what was done to its tokens, (interventions, SUMS); and to those that all rows begin with."""
        if not self.interventions:
            return {}
        *rows, shared = self.sums.transpose(0, 1).cpu()
        return {"effects": rows, "sharedEffects": [shared]}

    def structure(self) -> tuple:
        """What of these is part of a recorded step: all but vectors, tokens and factors."""
        return tuple(
            (each.at, tuple(each.layers), each.module, each.reads, each.restores) for each in self.interventions
        )

    def take(self, other: "Interventions") -> None:
        """Becomes another of the same structure and rows, in the same tensors."""
        self.interventions = other.interventions
        for own, new in zip([*self._vectors, *self._ranges], [*other._vectors, *other._ranges]):
            for x, y in zip(own, new):
                if x is not None:
                    x.copy_(y)
        self.sums.zero_()

    def acting(self, spans: Sequence[tuple[int, int]], prompts: bool) -> list[int]:
        """Those that change a token of these, or read the prompts' last tokens here for what is generated later."""
        return [
            i
            for i, each in enumerate(self.interventions)
            if each.acts(spans) or (prompts and each.reads == "last" and bool((each.scale != 0).any()))
        ]

    @contextmanager
    def during(self, tokens: Tokens, taps: Sequence[Tap] = (), blocks: int | None = None) -> Iterator["Readings"]:
        """In force for the pass of these tokens inside, through the first `blocks` (all where left out). Where none acts the model is bare."""
        blocks = self.sites.count if blocks is None else blocks
        readings = Readings(taps, tokens)
        with ExitStack() as stack:
            acting = self.acting(tokens.spans, tokens.last is not None)
            if acting or taps:
                stack.enter_context(as_written())
            for i in acting:
                self._hook(stack, i, tokens, blocks)
            for t, tap in enumerate(taps):
                for layer in tap.layers:
                    _attach(stack, self.sites, tap.at, layer, tap.module, readings.reader(t, layer))
            yield readings

    @contextmanager
    def hooked(self, indices: Sequence[int], tokens: Tokens) -> Iterator[None]:
        """These in force, whatever the tokens are: for passes that are recorded once and run again."""
        with ExitStack() as stack:
            for i in indices:
                self._hook(stack, i, tokens, self.sites.count)
            yield

    def _hook(self, stack: ExitStack, i: int, tokens: Tokens, blocks: int) -> None:
        each = self.interventions[i]
        for layer in each.layers:
            if layer < blocks or (layer == blocks and each.at == "block-input"):

                def change(x: Tensor, factor: float, layer: int = layer) -> Tensor:
                    return self._changed(i, layer, x, factor, tokens)

                _attach(stack, self.sites, each.at, layer, each.module, change)

    def _changed(self, i: int, layer: int, x: Tensor, residual: float, tokens: Tokens) -> Tensor:
        """x as the intervention leaves it. What it acts on is `residual` times x."""
        flat = x.reshape(-1, x.shape[-1])
        # In float32 whatever the model's type, since a direction's share of an activation may be small.
        own = flat.float() * residual
        read, write = self._vectors[i]
        change = write[None] if read is None else self._along(i, layer, own, tokens)[:, None] * write
        first, end, scale = self._ranges[i]
        chosen = tokens.own & (tokens.position >= first[tokens.row]) & (tokens.position < end[tokens.row])
        factor = torch.where(chosen, scale[tokens.row], 0.0)
        acted = factor != 0
        change = factor[:, None] * change
        new = own + change
        if self.interventions[i].restores:
            new = new * (_length(own) / _length(new))[:, None]
            change = new - own
        with torch.no_grad():
            moved = change.norm(dim=-1)
            length = own.norm(dim=-1)
            ratio = torch.where(length > 0, moved / length, 0.0)
            sums = torch.stack([acted.double(), moved.double(), length.double(), ratio.double()], dim=-1)
            self.sums[i].index_add_(0, tokens.row, sums * acted[:, None])
        return torch.where(acted[:, None], (new / residual).to(x.dtype), flat).reshape(x.shape)

    def _along(self, i: int, layer: int, own: Tensor, tokens: Tokens) -> Tensor:
        """h·read of each token, (N)."""
        read, _ = self._vectors[i]
        if self.interventions[i].reads == "self":
            return (own * read).sum(-1)
        key = (i, layer)
        if tokens.last is not None:
            # Steps that were recorded read it where it was.
            found = F.pad((own[tokens.last] * read).sum(-1), (0, 1))
            self.lasts[key] = self.lasts[key].copy_(found) if key in self.lasts else found
        return self.lasts[key][tokens.row]


def _length(x: Tensor) -> Tensor:
    """‖x‖ of each activation, (N). Squares are raised by what no activation notices, since a root has no slope at 0."""
    return (x.square().sum(-1) + 1e-24).sqrt()


class Readings:
    """What taps read during one pass."""

    def __init__(self, taps: Sequence[Tap], tokens: Tokens):
        self.taps = taps
        self.tokens = tokens
        self.read: dict[tuple[int, int], Tensor] = {}

    def reader(self, t: int, layer: int) -> Callable[[Tensor, float], Tensor]:
        def read(x: Tensor, factor: float) -> Tensor:
            # Modules that share an input each get their own, so that a gradient is that of the module alone.
            here = x.view_as(x) if factor == 1 else x * factor
            if self.taps[t].gradient and torch.is_grad_enabled() and not here.requires_grad:
                here = here.detach().requires_grad_()
            self.read[(t, layer)] = here
            return here if factor == 1 else here / factor

        return read

    def gradients(self, loss: Tensor) -> None:
        """Puts the loss's gradients in the place of the activations of taps that ask for them."""
        wanted = [(key, x) for key, x in self.read.items() if self.taps[key[0]].gradient]
        if not wanted:
            return
        found = torch.autograd.grad(loss, [x for _, x in wanted], allow_unused=True)
        for (key, x), gradient in zip(wanted, found):
            self.read[key] = torch.zeros_like(x) if gradient is None else gradient

    def of(self, t: int, layer: int) -> list[Tensor]:
        """What a tap read at a layer: for each row its tokens, (tokens, width)."""
        tap = self.taps[t]
        x = self.read[(t, layer)].detach()
        flat = x.reshape(-1, x.shape[-1])
        row, position = self.tokens.row, self.tokens.position
        found = []
        for b, (first, end) in enumerate(zip(tap.first, tap.end)):
            chosen = (row == b) & self.tokens.own & (position >= first) & (position < end)
            found.append(flat[chosen])
        return found


def _attach(
    stack: ExitStack, sites: Sites, at: str, layer: int, module: str | None, act: Callable[[Tensor, float], Tensor]
) -> None:
    """Puts `act` at a site of one layer, behind what is there already."""
    place = sites.place(at, layer, module)
    if place.before:

        def before(_: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            if args:
                return (act(args[0], 1.0), *args[1:]), kwargs
            name = "hidden_states"
            return args, {**kwargs, name: act(kwargs[name], 1.0)}

        handle = place.module.register_forward_pre_hook(before, with_kwargs=True)
    else:

        def behind(_: nn.Module, __: tuple, output: Tensor | tuple) -> Tensor | tuple:
            if isinstance(output, tuple):
                return (act(output[0], place.factor), *output[1:])
            return act(output, place.factor)

        handle = place.module.register_forward_hook(behind)
    stack.callback(handle.remove)
