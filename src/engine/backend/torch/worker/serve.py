"""The loop that answers requests, one after the other."""

import platform
import socket
import traceback
from typing import Any

import torch
import transformers

from .errors import WorkerError
from .frames import Tensors, read_frame, write_frame
from .methods import METHODS
from .state import State


def serve(connection: socket.socket, token: str) -> None:
    """Greets the client, then answers until it closes the socket."""
    versions = {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__}
    write_frame(connection, {"token": token, "versions": versions})
    state = State()
    while (frame := read_frame(connection)) is not None:
        request, tensors = frame
        reply, found = answer(state, request, tensors)
        write_frame(connection, {"id": request["id"], **reply}, found)


def answer(state: State, request: dict[str, Any], tensors: Tensors) -> tuple[dict[str, Any], Tensors]:
    """What a method gives, or why it fails: `{result}` or `{error: {code, message}}`, and tensors."""
    try:
        method = METHODS.get(request["method"])
        if method is None:
            raise WorkerError("request-invalid", f"The PyTorch worker has no method {request['method']!r}.")
        result, found = method(state, request.get("params", {}), tensors)
        return {"result": result}, found
    except WorkerError as error:
        return {"error": {"code": error.code, "message": str(error)}}, {}
    except Exception as error:  # noqa: BLE001: whatever happens is the client's to report.
        message = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
        return {"error": {"code": "worker-failed", "message": message}}, {}
