"""The steps of generation: one token of each row. On a GPU a step is recorded once and replayed, since launching its thousand kernels one by one
takes longer than they compute."""

import sys

import torch
from torch import nn

from .forward import logits_at
from .growing import Growing, Request
from .interventions import Interventions
from .keyValueCache import KeyValueCache, Stepping, bucket

#: Caches have room for multiples of so many tokens, so that steps that were recorded serve other batches.
ROOM = 64
#: Rows to which a recorded batch shrinks at least: reading the weights takes the time of a step with fewer, and a recording takes that of many steps.
FEWEST_RECORDED = 16


class Steps:
    """The steps of a batch."""

    def __init__(self, model: nn.Module, acting: Interventions, request: Request, capacity: int, records: bool):
        self.model = model
        self.acting = acting
        self.records = records
        self.growing = Growing(request, acting.device)
        self.cache = KeyValueCache(capacity)
        self.graphs: dict[int, torch.cuda.CUDAGraph] = {}
        self.pool = torch.cuda.graph_pool_handle() if records else None
        self.hooked: list[int] = []

    def begin(self, acting: Interventions, request: Request) -> None:
        """Makes ready for a batch of the same extents, with interventions of the same structure."""
        if acting is not self.acting:
            self.acting.take(acting)
        self.growing.begin(request)
        self.hooked = acting_later(acting, request)

    def batch_of(self, rows: int) -> int:
        """The extent of a batch that holds so many rows when others have ended: a power of two, so that few steps are recorded."""
        least = FEWEST_RECORDED if self.records else 1
        return min(self.growing.rows, max(least, 1 << (rows - 1).bit_length()))

    def run(self, batch: int) -> None:
        """Runs the newest token of each of the first rows and chooses the next."""
        if self.records and batch not in self.graphs:
            try:
                self.graphs[batch] = self._record(batch)
            except RuntimeError as error:
                # Slower, and the same.
                print(f"A step of generation cannot be recorded ({error}); steps run one kernel at a time.", file=sys.stderr)
                self.records = False
        if self.records:
            self.graphs[batch].replay()
        else:
            self._step(batch)

    def _step(self, batch: int) -> None:
        growing = self.growing
        positions = growing.positions[:batch]
        with self.acting.hooked(self.hooked, growing.tokens(batch)):
            logits = logits_at(self.model, growing.ids[:batch], positions, Stepping(self.cache, positions))
        growing.advance(batch, logits)

    def _record(self, batch: int) -> torch.cuda.CUDAGraph:
        state = [*self.growing.state(), self.acting.sums]
        before = [x.clone() for x in state]
        # Libraries make their workspaces in a first run, which must not be recorded.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._step(batch)
        torch.cuda.current_stream().wait_stream(stream)
        for x, y in zip(state, before):
            x.copy_(y)
        graph = torch.cuda.CUDAGraph()
        # Another thread may ask the device how much memory is free meanwhile.
        with torch.cuda.graph(graph, pool=self.pool, capture_error_mode="thread_local"):
            self._step(batch)
        return graph


class Stepper:
    """Keeps the steps of the last batch for the next one, which is mostly like it."""

    def __init__(self) -> None:
        self.key: tuple | None = None
        self.steps: Steps | None = None

    def begin(self, model: nn.Module, acting: Interventions, request: Request) -> Steps:
        """Steps for a batch, its prompts not yet run."""
        room = max(length + most for length, most in zip(request.lengths, request.most))
        capacity = bucket(room, ROOM)
        records = recordable(model)
        key = (
            *(len(request.lengths), max(request.most), len(request.eos), request.draws is None, capacity),
            *(acting.structure(), tuple(acting_later(acting, request)), fingerprint(model)),
        )
        if not records or key != self.key:
            self.forget()
            self.steps = Steps(model, acting, request, capacity, records)
            self.key = key
        self.steps.begin(acting, request)
        return self.steps

    def forget(self) -> None:
        """Frees what is kept: before other work needs the memory, or when the model is another one."""
        self.key = self.steps = None


def acting_later(acting: Interventions, request: Request) -> list[int]:
    """The interventions that change tokens behind the prompts."""
    ends = [(length, length + most) for length, most in zip(request.lengths, request.most)]
    return acting.acting(ends, prompts=False)


def recordable(model: nn.Module) -> bool:
    """Whether a step of the model can be recorded: on CUDA, whole on one device, with frequencies that do not depend on positions."""
    parameters = list(model.parameters())
    if not all(x.is_cuda and type(x) in (nn.Parameter, torch.Tensor) for x in parameters):
        return False
    # Frequencies of these are chosen by the host, by the longest text of a pass.
    return not any(_depends_on_length(getattr(module, "rope_type", "default")) for module in model.modules())


def _depends_on_length(rope: str | dict) -> bool:
    types = rope.values() if isinstance(rope, dict) else [rope]
    return any(name == "longrope" or "dynamic" in name for name in types)


def fingerprint(model: nn.Module) -> int:
    """Tells a model whose step was recorded from one with other tensors or modules in their place."""
    tensors = tuple(x.data_ptr() for x in (*model.parameters(), *model.buffers()))
    hooks = tuple(
        key for module in model.modules() for key in (*module._forward_hooks, *module._forward_pre_hooks)
    )
    return hash((tensors, hooks))
