"""The processes that compute together: which rows of a batch each takes, and how what they find comes together on rank 0."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import torch
import torch.distributed as dist
import transformers

from .errors import WorkerError
from .frames import pack_frame, parse_frame
from .lifetime import Lifeline

#: By name a tensor for each row, in their order.
Found = dict[str, list[torch.Tensor]]

#: How long ranks wait for each other to begin, and within a request.
TOGETHER = timedelta(minutes=10)
#: How long ranks wait for the next request, which may be as long as a person is away. The end of a rank is seen otherwise.
FOREVER = timedelta(days=365)


class Ranks:
    """The process group, and this process's place in it. Without torchrun's variables there is one process."""

    def __init__(self, ended: Callable[[int, dict[str, Any] | None], None] = lambda rank, error: None) -> None:
        """`ended` is called on rank 0, in any thread, when a rank cannot go on, with its error, unless it is gone without a word."""
        self.ended = ended
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.local = int(os.environ.get("LOCAL_RANK", "0"))
        #: Whether all ranks have to run the same passes (`sharding.py`).
        self.lockstep = False
        self._control: dist.ProcessGroup | None = None
        self.lifeline: Lifeline | None = None
        if self.size > 1:
            dist.init_process_group(_backend(), timeout=TOGETHER)
            # Requests and results are bytes on the CPU, whatever the tensors are computed on.
            self._control = dist.new_group(backend="gloo", timeout=FOREVER)
            nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1"))
            host = os.environ["MASTER_ADDR"] if nodes > 1 else "127.0.0.1"
            versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
            self.lifeline = Lifeline.open(self.rank, self.size, host, self.broadcast, ended, versions)

    def device(self, name: str) -> torch.device:
        """The device of this rank: each has a GPU of its own, as long as there are enough."""
        if name != "cuda":
            return torch.device(name)
        device = torch.device("cuda", self.local % max(1, torch.cuda.device_count()))
        torch.cuda.set_device(device)
        return device

    def share(self, count: int) -> range:
        """Indices of the rows this rank computes: neighbours, so that what is gathered is in order. Lower ranks have one more than higher ones."""
        each, more = divmod(count, self.size)
        start = self.rank * each + min(self.rank, more)
        return range(start, start + each + (self.rank < more))

    def broadcast(self, data: bytes | None) -> bytes:
        """What rank 0 gives, on all ranks."""
        if self.size == 1:
            return data or b""
        length = torch.tensor([len(data or b"")])
        dist.broadcast(length, 0, group=self._control)
        buffer = _bytes(data) if self.rank == 0 else torch.empty(int(length), dtype=torch.uint8)
        if len(buffer) > 0:
            dist.broadcast(buffer, 0, group=self._control)
        return buffer.numpy().tobytes()

    def together(self, work: Callable[[], Found]) -> Found:
        """
        What all ranks find by some work, by name one after the other, on rank 0; on the others what they found themselves. What one of them
        refuses is refused by all, after all have done their part.
        """
        refused: WorkerError | None = None
        found: Found = {}
        try:
            found = work()
        except WorkerError as error:
            if self.size == 1:
                raise
            refused = error
        if self.size == 1:
            return found
        if self.rank > 0:
            self._send(found, refused)
        else:
            found = {name: [x.detach().cpu() for x in each] for name, each in found.items()}
            for rank in range(1, self.size):
                refused = self._receive(rank, found) or refused
        if refused is not None:
            raise refused
        return found

    def gather(self, found: Found) -> Found:
        """What all ranks have found, one after the other, on rank 0; on the others their own."""
        return self.together(lambda: found)

    def add_up(self, parameters: list[torch.Tensor]) -> None:
        """
        Puts the sum over all ranks in the place of each parameter's gradient. A rank without rows has none, and counts as zero; one that no rank has
        stays none.
        """
        if self.size == 1 or not parameters:
            return
        reached = torch.tensor([float(x.grad is not None) for x in parameters], device=parameters[0].device)
        dist.all_reduce(reached)
        sums: dict[torch.dtype, list[torch.Tensor]] = {}
        for x, ranks in zip(parameters, reached.tolist(), strict=True):
            if ranks > 0:
                x.grad = torch.zeros_like(x) if x.grad is None else x.grad
                sums.setdefault(x.grad.dtype, []).append(x.grad)
        for gradients in sums.values():
            flat = torch.cat([x.flatten() for x in gradients])
            dist.all_reduce(flat)
            for x, total in zip(gradients, flat.split([x.numel() for x in gradients]), strict=True):
                x.copy_(total.view_as(x))

    def end(self, error: dict[str, Any]) -> NoReturn:
        """Ends this rank, and with it all others, which may be waiting for it."""
        if self.lifeline is None or self.rank == 0:
            self.ended(0, error)
        else:
            self.lifeline.report(**error)
        os._exit(1)

    def _send(self, found: Found, refused: WorkerError | None) -> None:
        said = None if refused is None else {"code": refused.code, "message": str(refused)}
        names = {name: len(each) for name, each in found.items()}
        tensors = {f"{name}/{i}": x for name, each in found.items() for i, x in enumerate(each)}
        data = _bytes(pack_frame({"refused": said, "names": names}, tensors))
        dist.send(torch.tensor([len(data)]), 0, group=self._control)
        dist.send(data, 0, group=self._control)

    def _receive(self, rank: int, found: Found) -> WorkerError | None:
        """Adds what a rank found. Returns what it refused."""
        length = torch.zeros(1, dtype=torch.long)
        dist.recv(length, rank, group=self._control)
        buffer = torch.empty(int(length), dtype=torch.uint8)
        dist.recv(buffer, rank, group=self._control)
        message, tensors = parse_frame(buffer.numpy().tobytes())
        for name, count in message["names"].items():
            found.setdefault(name, []).extend(tensors[f"{name}/{i}"] for i in range(count))
        return None if message["refused"] is None else WorkerError(**message["refused"])


def _bytes(data: bytes | None) -> torch.Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)


def _backend() -> str:
    """Collectives of tensors on the CPU, and on GPUs by NCCL unless ranks share one, which NCCL refuses."""
    if not torch.cuda.is_available():
        return "gloo"
    own = int(os.environ.get("LOCAL_WORLD_SIZE", "1")) <= torch.cuda.device_count()
    return "cpu:gloo,cuda:nccl" if own and dist.is_nccl_available() else "cpu:gloo,cuda:gloo"
