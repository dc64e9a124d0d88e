"""Entry of a rank: rank 0 connects to the client; all answer until it closes the socket."""

import os
import socket

from .lifetime import end_with_parent


def main() -> None:
    end_with_parent()
    connection = None
    if os.environ.get("RANK", "0") == "0":
        # Before PyTorch is imported, which takes seconds in which the client may end.
        connection = socket.create_connection(("127.0.0.1", int(os.environ["DISCERN_WORKER_PORT"])))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    from .client import Client
    from .serve import serve

    serve(None if connection is None else Client(connection), os.environ.get("DISCERN_WORKER_TOKEN", ""))


main()
