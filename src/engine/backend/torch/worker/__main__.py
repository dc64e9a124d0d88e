"""Entry: connects to the client and answers until the socket closes."""

import os
import socket

from .serve import serve


def main() -> None:
    port = int(os.environ["DISCERN_WORKER_PORT"])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        serve(connection, os.environ["DISCERN_WORKER_TOKEN"])


main()
