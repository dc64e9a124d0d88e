"""The loop that answers requests, one after the other: rank 0 reads and replies, all ranks compute."""

import os
import platform
import sys
from typing import Any

import torch
import transformers

from .client import Client
from .errors import WorkerError, described
from .frames import Tensors, parse_frame
from .methods import METHODS
from .ranks import Ranks
from .state import State


def serve(client: Client | None, token: str) -> None:
    """Greets the client, then answers until it closes the socket. Ranks other than 0 have no client."""

    def ended(rank: int, error: dict[str, Any] | None) -> None:
        # Whatever collective this rank waits in will not come to its end.
        unsaid = f"Rank {rank} of the PyTorch worker ended without a word: it was killed, by a person or by the system for lack of memory."
        told = error or {"code": "worker-failed", "message": unsaid}
        # Also for a client that has not been greeted yet.
        print(told["message"], file=sys.stderr, flush=True)
        if client is not None:
            client.fail(**told)
        os._exit(1)

    ranks = Ranks(ended)
    state = State(ranks, None if client is None else client.tell)
    if client is not None:
        versions = {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__}
        client.greet({"token": token, "versions": versions, "processes": ranks.size})
    while True:
        request, tensors = parse_frame(ranks.broadcast(client.next() if client is not None else None))
        if client is not None:
            client.take(request["id"])
        reply, found = answer(state, request, tensors)
        if client is not None:
            client.reply(reply, found)


def answer(state: State, request: dict[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """
    What a method gives, or why it fails: `{result}` or `{error: {code, message}}`, and tensors. What a WorkerError refuses all ranks refuse
    alike, so that they stay together. Of any other error the others know nothing and may wait for this rank: it ends, and they with it.
    """
    try:
        method = METHODS.get(request["method"])
        if method is None:
            raise WorkerError("request-invalid", f"The PyTorch worker has no method {request['method']!r}.")
        result, found = method(state, request.get("params", {}), tensors)
        return {"result": result}, found
    except WorkerError as error:
        return {"error": {"code": error.code, "message": str(error)}}, {}
    except Exception as error:  # noqa: BLE001: whatever happens is the client's to report.
        told = described(error)
        if state.ranks.size > 1:
            state.ranks.end(told)
        torch.cuda.empty_cache()
        return {"error": told}, {}
