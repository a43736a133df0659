"""The shared site under one of the servers."""

from __future__ import annotations

import signal
import socket
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, final

from tests.processes import (
    LIMIT,
    ROOT,
    Gates,
    Process,
    client,
    is_refused,
    reserved_port,
    running,
)

from .server import Server

if TYPE_CHECKING:
    import httpx

SITE: Final = ROOT / "tests" / "sites"

# The events of the shop, from its start to its end.
STARTED: Final = ["+db", "+shop", "+lock", "asgi_startup, shop is open"]
CLOSING: Final = [
    "asgi_shutdown, shop is open",
    "-lock, shop is open",
    "shop closes, db is open",
]
STOPPED: Final = [*CLOSING, "-shop", "-db"]


@final
class Serving:
    """A server, its process and its port."""

    def __init__(self, server: Server, process: Process, port: str) -> None:
        self.server = server
        self.process = process
        self.port = port

    def until_ready(self) -> None:
        """Wait until every worker serves, with its resources unless it is lazy."""
        self.process.until(self.server.ready, nth=self.server.workers)
        if not self.server.starts_lazily:
            self.process.until(r"^@\d+ asgi_startup", nth=self.server.workers)
        self.until_listening()

    def until_listening(self) -> None:
        """Wait until it listens: some servers print so a little early."""
        deadline = monotonic() + LIMIT
        while is_refused(self.port):
            assert monotonic() < deadline, self.process.output
            assert self.process.alive, self.process.output
            sleep(0.01)

    def begin_stop(self, number: signal.Signals) -> None:
        """
        Send a signal, and return when the shutdown has begun, which a request holds
        up. A server that prints nothing then closes idle connections.
        """
        if self.server.stopping:
            self.process.send(number)
            self.process.until(self.server.stopping)
            return
        request = b"GET /async HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(self.port)), LIMIT) as idle:
            idle.sendall(request)
            assert idle.recv(1), "no answer"
            self.process.send(number)
            while idle.recv(65536):
                pass

    @property
    def workers(self) -> dict[str, list[str]]:
        """The events of each process, views left out, by its id, in order."""
        found: dict[str, list[str]] = {}
        for pid, event in self._events():
            found.setdefault(pid, []).append(event)
        return found

    @property
    def events(self) -> list[str]:
        """The events of all processes, views left out."""
        return [event for _, event in self._events()]

    def _events(self) -> Iterator[tuple[str, str]]:
        for line in self.process.events:
            pid, _, event = line.partition(" ")
            if pid.isdigit() and event != "view":
                yield pid, event


@contextmanager
def serving(
    server: Server,
    *options: str,
    application: str = "mysite.asgi:application",
    folder: Path = SITE,
    **variables: str | None,
) -> Generator[Serving, None, None]:
    """The site under *server*, which is gone when the block ends."""
    port = reserved_port()
    command = (
        part.format(port=port, application=application)
        for part in (*server.command, *options)
    )
    variables = {
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "ASGI_APPLICATION": application.replace(":", "."),
        "SERVER_APPS": (
            "daphne django.contrib.staticfiles" if server.package == "daphne" else ""
        ),
        **variables,
    }
    with running(*command, folder=folder, **variables) as process:
        yield Serving(server, process, port)


@contextmanager
def in_flight(
    server: Server,
    *options: str,
    gates: tuple[str, ...] = ("request",),
    path: str = "/held",
    **variables: str | None,
) -> Generator[tuple[Serving, Gates, Future[httpx.Response]]]:
    """The site with a request in its view, at the gate "request"."""
    with (
        Gates(*gates) as opened,
        serving(server, *options, **opened.variables, **variables) as site,
        client(site.port) as browser,
        ThreadPoolExecutor() as threads,
    ):
        site.until_ready()
        response = threads.submit(browser.get, path)
        opened.wait_for("request")
        yield site, opened, response
