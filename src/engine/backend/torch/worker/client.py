"""The client's socket on rank 0."""

from __future__ import annotations

import os
import queue
import socket
import threading
from typing import Any

from .frames import Tensors, cancelled, read_frame, write_frame


class Client:
    """Requests of the client, and replies to it. This process ends when the client closes the socket, whatever it computes meanwhile."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._frames: queue.Queue[bytes] = queue.Queue()
        self._lock = threading.Lock()
        #: The request that is being answered.
        self._asked: int | None = None
        #: The last request that the client said it no longer wants.
        self._unwanted: int | None = None
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> bytes:
        """The frame of the next request."""
        return self._frames.get()

    def greet(self, greeting: dict[str, Any]) -> None:
        """Says who this is, before the first request."""
        with self._lock:
            write_frame(self.connection, greeting)

    def take(self, request: int) -> None:
        """Notes which request is being answered."""
        self._asked = request

    def tell(self, part: list[Any]) -> bool:
        """Gives a part of the answer to the request before all of it. False where the client no longer wants the rest."""
        with self._lock:
            write_frame(self.connection, {"id": self._asked, "part": part})
        return self._unwanted != self._asked

    def reply(self, message: dict[str, Any], tensors: Tensors) -> None:
        """Answers the request."""
        with self._lock:
            write_frame(self.connection, {"id": self._asked, **message}, tensors)
            self._asked = None

    def fail(self, code: str, message: str) -> None:
        """Says, from any thread, why the worker is about to end; to a request that waits, or to none (`id` null)."""
        with self._lock:
            write_frame(self.connection, {"id": self._asked, "error": {"code": code, "message": message}})

    def _read(self) -> None:
        try:
            while (frame := read_frame(self.connection)) is not None:
                unwanted = cancelled(frame)
                if unwanted is None:
                    self._frames.put(frame)
                else:
                    self._unwanted = unwanted
        except OSError:
            pass  # A client that was killed resets the connection.
        os._exit(0)
