"""The demo: ``python -m example_site`` serves the library under uvicorn."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import suppress
from typing import Final, final

import uvicorn

HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = "8000"
# What uvicorn's own command exits with where the resources failed to start.
STARTUP_FAILED: Final = 3

TAKEN: Final = """\
Port {port} is taken by another program. Write instead:
    PORT=0 make demo       any free port; the address is printed
    PORT=8123 make demo    that port, or one of your own"""
NOT_A_PORT: Final = """\
PORT={port!r} is not a port. Write a number from 1 to 65535 instead, or 0 for any \
free port:
    PORT=8123 make demo"""


@final
class DemoServer(uvicorn.Server):
    """uvicorn, which says where to look once it is true."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()
            address = f"http://{host}:{port}/"
            print(f"The library is open: {address} (Ctrl-C closes it)", flush=True)


def main() -> int | str:
    """
    Serve until a signal comes.

    Returns what ``sys.exit`` takes: uvicorn's own code where the resources
    failed to start, and a sentence where the port is of no use.
    """
    port = os.environ.get("PORT", DEFAULT_PORT)
    if not port.isdecimal() or int(port) > 65535:
        return NOT_A_PORT.format(port=port)
    try:
        # Bound here, not by uvicorn: a taken port is known before anything starts.
        listening = socket.create_server((HOST, int(port)))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return TAKEN.format(port=port)

    with listening:
        server = DemoServer(
            uvicorn.Config(
                "example_site.asgi:application",
                lifespan="on",
                # Django's LOGGING says what is shown; uvicorn's would override it.
                log_config=None,
            )
        )
        # uvicorn closes everything, then passes Ctrl-C on; the demo ends well.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    return 0 if server.started else STARTUP_FAILED


if __name__ == "__main__":
    sys.exit(main())
