"""
What ends a process of the worker: the client, the process that started it, or one of those it computes with. Whatever happens to any of
them, kill -9 included, nothing is left running and nothing waits for a process that is gone.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

#: Seconds between two looks at who started this process, where the system does not tell of its end.
LOOK = 1.0
#: Seconds that ranks have to find each other once their process group is there.
PATIENCE = 60.0


def end_with_parent() -> None:
    """Ends this process when the one that started it is gone."""
    parent = os.getppid()
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # Also on Linux: the parent may have ended before it was asked for.
    if sys.platform != "win32":
        _watch(lambda: os.getppid() != parent)


def end_with_stdin() -> None:
    """Ends this process in an orderly way, with those it has started, when whoever holds the other end of its stdin is gone."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _watch(over: Callable[[], bool]) -> None:
    def look() -> None:
        while not over():
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=look, daemon=True).start()


class Lifeline:
    """
    Connections of all other ranks to rank 0. One that closes says that its process is gone: at once, where a collective would wait for
    minutes. Before a rank ends because of an error it says which.
    """

    def __init__(self, rank: int, connections: dict[int, socket.socket]) -> None:
        self.rank = rank
        self.connections = connections

    @staticmethod
    def open(
        rank: int,
        size: int,
        host: str,
        share: Callable[[bytes | None], bytes],
        ended: Callable[[int, dict[str, Any] | None], None],
        versions: str,
    ) -> Lifeline:
        """
        Connects the ranks.

        `host` is where the others reach rank 0; `share` hands what rank 0 says to all; `ended` is called on rank 0, in a thread, with the
        rank that ended and the error it sent, if it did; also at once where one has other versions. On the others the process ends with rank 0.
        """
        if rank == 0:
            connections = _accept(size, host, share, ended, versions)
            for other, connection in connections.items():
                threading.Thread(target=_listen, args=(other, connection, ended), daemon=True).start()
            return Lifeline(rank, connections)
        offer = json.loads(share(None))
        connection = socket.create_connection((host, offer["port"]), PATIENCE)
        connection.settimeout(None)
        greeting = {"secret": offer["secret"], "rank": rank, "versions": versions, "host": socket.gethostname()}
        connection.sendall(json.dumps(greeting).encode() + b"\n")
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        return Lifeline(rank, {0: connection})

    def report(self, code: str, message: str) -> None:
        """Tells rank 0 why this rank is about to end."""
        try:
            self.connections[0].sendall(json.dumps({"code": code, "message": message}).encode() + b"\n")
        except OSError:
            pass  # Rank 0 is gone: nobody is left to be told.


def _accept(
    size: int,
    host: str,
    share: Callable[[bytes | None], bytes],
    ended: Callable[[int, dict[str, Any] | None], None],
    versions: str,
) -> dict[int, socket.socket]:
    secret = secrets.token_hex(16)
    own = host in ("127.0.0.1", "localhost")
    connections: dict[int, socket.socket] = {}
    with socket.create_server(("127.0.0.1" if own else "", 0), backlog=size) as server:
        share(json.dumps({"port": server.getsockname()[1], "secret": secret}).encode())
        server.settimeout(PATIENCE)
        while len(connections) < size - 1:
            connection, _ = server.accept()
            connection.settimeout(PATIENCE)
            try:
                greeting = json.loads(_line(connection))
                known = secrets.compare_digest(str(greeting["secret"]), secret)
                other = int(greeting["rank"])
            except (OSError, ValueError, KeyError, TypeError):
                known, other = False, -1
            if not known:
                connection.close()
                continue
            if greeting["versions"] != versions:
                theirs = f"Rank {other} on {greeting['host']} runs {greeting['versions']}, rank 0 on {socket.gethostname()} {versions}."
                ended(other, {"code": "python-unusable", "message": f"{theirs} All machines need the same versions."})
            connection.settimeout(None)
            connections[other] = connection
    return connections


def _line(connection: socket.socket) -> bytes:
    """The bytes up to the next line break, or to the end."""
    said = b""
    while not said.endswith(b"\n"):
        more = connection.recv(1)
        if not more:
            return said
        said += more
    return said


def _listen(rank: int, connection: socket.socket, ended: Callable[[int, dict[str, Any] | None], None]) -> None:
    try:
        said = _line(connection)
        error = json.loads(said) if said else None
    except (OSError, ValueError):
        error = None
    ended(rank, error)


def _end_with(connection: socket.socket) -> None:
    try:
        connection.recv(1)
    except OSError:
        pass
    os._exit(0)
