"""The port that the demo serves on."""

from __future__ import annotations

import socket
from typing import Final

# Loopback alone: everybody knows the password of the demo.
HOST: Final = "127.0.0.1"


def reserved_port(port: int) -> int:
    """
    Return *port* if it is free, or for 0 a free one, for a server to bind.

    Its last connection is kept in TIME_WAIT, so the system gives the port to nobody
    who asks for any, and to the server that names it. Raises `OSError` if it is taken.
    """
    with socket.create_server((HOST, port)) as listener:
        address: tuple[str, int] = listener.getsockname()
        with socket.create_connection(address):
            # Who closes first is left in TIME_WAIT.
            listener.accept()[0].close()
    return address[1]
