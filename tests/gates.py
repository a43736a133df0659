"""
Gates hold code in another process until the test opens them::

    with Gates("start") as gates, running(..., **gates.variables):
        gates.wait_for("start")  # until the code waits there
        gates.open("start")

``Gates`` is the test's side; ``at_gate`` and ``happened`` are the child's. The child
imports this module, so it imports only the standard library.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import Final, final

# Never exhausted when all is well; long, for a busy machine.
LIMIT: Final = 60


@final
class Gates:
    """Named points where code in another process waits."""

    def __init__(self, *held: str) -> None:
        self._changed = Condition()
        self._opened: set[str] = set()
        self._waiting: list[tuple[str, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.variables = {"GATES": str(port), "HELD": " ".join(held)}
        self._thread = Thread(target=self._accept)

    def __enter__(self) -> Gates:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing a socket does not wake a thread that accepts on it; this does.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(LIMIT)
        self._listener.close()
        with self._changed:
            for _, connection in self._waiting:
                connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(LIMIT)
                with connection.makefile() as lines:
                    name = lines.readline().strip()
                with self._changed:
                    if name in self._opened:
                        connection.close()
                    else:
                        self._waiting.append((name, connection))
                    self._changed.notify_all()

    def wait_for(self, name: str) -> None:
        """Return when code waits at this gate."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: name in [held for held, _ in self._waiting], LIMIT
            ), f"nothing came to the gate {name!r}"

    def wait_until_gone(self, name: str) -> None:
        """Return when the code that waits at this gate was cancelled or killed."""
        self.wait_for(name)
        with self._changed:
            (connection,) = (each for held, each in self._waiting if held == name)
        with suppress(ConnectionResetError):
            assert not connection.recv(1)

    def open(self, name: str) -> None:
        """Release the code that waits at this gate, now and later."""
        with self._changed:
            self._opened.add(name)
            for pair in self._waiting.copy():
                if pair[0] == name:
                    pair[1].close()
                    self._waiting.remove(pair)


# --- The child's side


def happened(event: str) -> None:
    """Print *event* for the test."""
    # One write: several threads and processes print to the same pipe.
    os.write(1, f"@{event}\n".encode())


async def at_gate(name: str) -> None:
    """Wait at the gate, if the test holds it."""
    if name not in os.environ.get("HELD", "").split():
        return
    port = int(os.environ["GATES"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{name}\n".encode())
        await reader.read()
    finally:
        writer.close()


def at_gate_in_thread(name: str) -> None:
    """Wait at the gate from sync code."""
    if name not in os.environ.get("HELD", "").split():
        return
    with socket.create_connection(("127.0.0.1", int(os.environ["GATES"]))) as gates:
        gates.sendall(f"{name}\n".encode())
        gates.recv(1)


def journaled(app: Callable[..., object]) -> Callable[..., object]:
    """An ASGI middleware that prints the type of each connection."""

    async def middleware(scope: dict[str, object], receive: object, send: object):
        happened(f"{scope['type']} arrives")
        await app(scope, receive, send)  # type: ignore[misc]

    return middleware
