"""What a worker tells its client when it cannot do what was asked."""

import traceback

import torch


class WorkerError(Exception):
    """A person's mistake, or something that a person can fix: what happened, where, and how to fix it."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        #: One of the codes of `src/protocol/errors.ts`.
        self.code = code


def described(error: Exception) -> dict[str, str]:
    """Code and message of whatever a method failed with."""
    first = (str(error).strip().splitlines() or [""])[0]
    # On the CPU PyTorch has no class for it.
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in first:
        return {"code": "out-of-memory", "message": first}
    if isinstance(error, ImportError):
        return {"code": "python-unusable", "message": first}
    lines = "".join(traceback.format_exception(error))
    return {"code": "worker-failed", "message": f"{type(error).__name__}: {error}\n{lines}"}
