"""The port that the demo serves on."""

from __future__ import annotations

import socket
from typing import Final

# Loopback only: the password of the demo is public.
HOST: Final = "127.0.0.1"


def reserved_port(port: int) -> int:
    """
    Return *port*, or a free port for 0, for a server to bind.

    A connection in TIME_WAIT reserves it: the system does not give it to another
    program, but the server can bind it. Raises `OSError` if the port is in use.
    """
    with socket.create_server((HOST, port)) as listener:
        address: tuple[str, int] = listener.getsockname()
        with socket.create_connection(address):
            # The side that closes first is left in TIME_WAIT.
            listener.accept()[0].close()
    return address[1]
