"""The servers of the conformance suite, and what each is known to do."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGINT, SIGTERM
from time import monotonic, sleep
from typing import Final, Literal, final

import pytest

from tests.processes import LIMIT, Process, is_refused, running

SITE: Final = Path(__file__).resolve().parent / "conformance_site"


@final
@dataclass(frozen=True)
class Server:
    """A server as it is run, and what the tests hold it to."""

    name: str
    """As it stands in the ids of the tests."""
    title: str
    """As it stands in the documentation."""
    package: str
    """Whose version it is."""
    command: tuple[str, ...]
    """Where ``{port}`` and ``{application}`` stand for these."""
    ready: str
    """A pattern in what each worker prints when it serves."""
    stopping: str = ""
    """A pattern in what is printed when a stop has begun; empty: nothing is."""
    impatient: tuple[str, ...] = ()
    """Options for a stop that is known to end in a kill."""
    patient: tuple[str, ...] = ()
    """Options that give requests in flight all the time that they want."""
    workers: int = 1
    flag: str = ""
    """What the warning of a lazy start says."""
    sends_lifespan: bool = True
    early: Literal["refused", "held"] = "refused"
    """What becomes of connections before the start is complete."""
    failed_start: tuple[int, ...] = ()
    """Possible exit codes after a failed start; none: it does not exit."""
    stopped: int = 0
    """The exit code after SIGTERM; negative for the signal."""
    stop_limit: str = "no limit"
    """How long it waits for the shutdown, for the documentation."""
    in_flight: Literal["finishes", "cancelled", "killed"] = "finishes"
    """What becomes, at SIGTERM, of requests in flight."""
    lazily_closed_by: tuple[signal.Signals, ...] = ()
    """What closes resources that had to start at the first request."""

    @property
    def starts_lazily(self) -> bool:
        """Whether nothing starts before the first request."""
        return not self.sends_lifespan and self.package != "daphne"


_BIND_GUNICORN: Final = ("-b", "127.0.0.1:{port}", "--no-control-socket")

UVICORN: Final = Server(
    name="uvicorn",
    title="uvicorn",
    package="uvicorn",
    command=("-m", "uvicorn", "{application}", "--port", "{port}"),
    ready="Uvicorn running on",
    stopping="Waiting for connections to close",
    flag="run uvicorn with --lifespan on",
    failed_start=(3,),
    stopped=-SIGTERM,
    lazily_closed_by=(SIGINT,),
)
UVICORN_2: Final = replace(
    UVICORN,
    name="uvicorn-2",
    title="uvicorn `--workers 2`",
    command=(*UVICORN.command, "--workers", "2"),
    ready="Application startup complete",
    workers=2,
    failed_start=(0,),
    stopped=0,
    lazily_closed_by=(),
)
UVICORN_RELOAD: Final = replace(
    UVICORN,
    name="uvicorn-reload",
    title="uvicorn `--reload`",
    command=(*UVICORN.command, "--reload"),
    ready="Application startup complete",
    failed_start=(),
    stopped=0,
    lazily_closed_by=(),
)
UVICORN_OFF: Final = replace(
    UVICORN,
    name="uvicorn-off",
    title="uvicorn `--lifespan off`",
    command=(*UVICORN.command, "--lifespan", "off"),
    sends_lifespan=False,
)

GUNICORN_ASGI: Final = Server(
    name="gunicorn-asgi",
    title="gunicorn `-k asgi`",
    package="gunicorn",
    command=("-m", "gunicorn", "{application}", "-k", "asgi", *_BIND_GUNICORN),
    ready="ASGI server listening on",
    stopping="Waiting for 1 connections to finish",
    flag="run gunicorn -k asgi with --asgi-lifespan on",
    early="held",
    failed_start=(3,),
    stop_limit="at most 30 s",
    lazily_closed_by=(SIGTERM, SIGINT),
)
GUNICORN_ASGI_2: Final = replace(
    GUNICORN_ASGI,
    name="gunicorn-asgi-2",
    title="gunicorn `-k asgi -w 2`",
    command=(*GUNICORN_ASGI.command, "-w", "2"),
    workers=2,
    # It depends on whether the second worker fails while the first is reaped.
    failed_start=(3, 1),
)
GUNICORN_ASGI_OFF: Final = replace(
    GUNICORN_ASGI,
    name="gunicorn-asgi-off",
    title="gunicorn `-k asgi --asgi-lifespan off`",
    command=(*GUNICORN_ASGI.command, "--asgi-lifespan", "off"),
    sends_lifespan=False,
)
GUNICORN_UVICORN: Final = Server(
    name="gunicorn-uvicorn",
    title="gunicorn `-k uvicorn_worker.UvicornWorker`",
    package="uvicorn-worker",
    command=(
        *("-m", "gunicorn", "{application}"),
        *("-k", "uvicorn_worker.UvicornWorker", *_BIND_GUNICORN),
    ),
    ready="Application startup complete|lifespan' protocol appears unsupported",
    stopping="Waiting for connections to close",
    impatient=("--graceful-timeout", "1"),
    flag='give the uvicorn worker CONFIG_KWARGS = {"lifespan": "on"}',
    early="held",
    failed_start=(3,),
    stop_limit="`--graceful-timeout`, 30 s",
)
GUNICORN_UVICORN_2: Final = replace(
    GUNICORN_UVICORN,
    name="gunicorn-uvicorn-2",
    title="gunicorn `-k uvicorn_worker.UvicornWorker -w 2`",
    command=(*GUNICORN_UVICORN.command, "-w", "2"),
    workers=2,
    failed_start=(3, 1),
)

HYPERCORN: Final = Server(
    name="hypercorn",
    title="hypercorn",
    package="hypercorn",
    command=("-m", "hypercorn", "{application}", "-b", "127.0.0.1:{port}"),
    ready="Running on",
    patient=("--graceful-timeout", "60"),
    flag="look for what keeps the lifespan from it: hypercorn sends it",
    failed_start=(0,),
    stop_limit="`shutdown_timeout`, 60 s",
    lazily_closed_by=(SIGTERM, SIGINT),
)
HYPERCORN_0: Final = replace(
    HYPERCORN,
    name="hypercorn-0",
    title="hypercorn `-w 0`",
    command=(*HYPERCORN.command, "-w", "0"),
    failed_start=(1,),
)
HYPERCORN_2: Final = replace(
    HYPERCORN,
    name="hypercorn-2",
    title="hypercorn `-w 2`",
    command=(*HYPERCORN.command, "-w", "2"),
    workers=2,
    # The worker that it kills may have ended by itself before.
    failed_start=(0, 1, 241),
    stop_limit="until one worker has ended",
    in_flight="killed",
    # As little as with a lifespan: one closes, which one is luck.
    lazily_closed_by=(),
)

GRANIAN: Final = Server(
    name="granian",
    title="granian `--interface asgi`",
    package="granian",
    command=(
        *("-m", "granian", "{application}"),
        *("--interface", "asgi", "--port", "{port}"),
    ),
    ready="Started worker-",
    stopping="Stopping worker-",
    flag="run granian with --interface asgi",
    failed_start=(1,),
    stop_limit="`--workers-kill-timeout`, no limit",
    lazily_closed_by=(SIGTERM, SIGINT),
)
GRANIAN_2: Final = replace(
    GRANIAN,
    name="granian-2",
    title="granian `--interface asgi --workers 2`",
    command=(*GRANIAN.command, "--workers", "2"),
    workers=2,
)
GRANIAN_ASGINL: Final = replace(
    GRANIAN,
    name="granian-asginl",
    title="granian `--interface asginl`",
    command=tuple("asginl" if part == "asgi" else part for part in GRANIAN.command),
    sends_lifespan=False,
)

DAPHNE: Final = Server(
    name="daphne",
    title="daphne",
    package="daphne",
    command=("-m", "daphne", "-p", "{port}", "{application}"),
    ready="Listening on TCP address",
    sends_lifespan=False,
    early="held",
    failed_start=(3,),
    in_flight="cancelled",
)

SERVERS: Final = (
    *(UVICORN, UVICORN_2, UVICORN_RELOAD, UVICORN_OFF),
    *(GUNICORN_ASGI, GUNICORN_ASGI_2, GUNICORN_ASGI_OFF),
    *(GUNICORN_UVICORN, GUNICORN_UVICORN_2),
    *(HYPERCORN, HYPERCORN_0, HYPERCORN_2),
    *(GRANIAN, GRANIAN_2, GRANIAN_ASGINL),
    DAPHNE,
)
EAGER: Final = tuple(server for server in SERVERS if not server.starts_lazily)
LAZY: Final = tuple(server for server in SERVERS if server.starts_lazily)


def each(servers: Iterable[Server]) -> pytest.MarkDecorator:
    """One test for each of *servers*."""
    params = [pytest.param(server, id=server.name) for server in servers]
    return pytest.mark.parametrize("server", params)


# --- A server that serves the site


@final
class Serving:
    """A server, its process and its port."""

    def __init__(self, server: Server, process: Process, port: str) -> None:
        self.server = server
        self.process = process
        self.port = port

    def until_ready(self) -> None:
        """Wait until every worker serves."""
        self.process.until(self.server.ready, nth=self.server.workers)
        if not self.server.starts_lazily:
            self.process.until(r"^@\d+ \+shop$", nth=self.server.workers)
        self.until_listening()

    def until_listening(self) -> None:
        """Wait until somebody listens: some servers say so a little early."""
        self._until(lambda: not is_refused(self.port))

    def begin_stop(self, number: signal.Signals) -> None:
        """
        Send it a signal; return when the stop has begun, which a request keeps from
        ending. A server that says nothing closes connections that are idle.
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

    def _until(self, seen: Callable[[], bool]) -> None:
        give_up = monotonic() + LIMIT
        while not seen():
            assert monotonic() < give_up, self.process.output
            assert self.process.alive, self.process.output
            sleep(0.01)

    @property
    def workers(self) -> dict[str, list[str]]:
        """What has happened in each process, by its id, first come first."""
        found: dict[str, list[str]] = {}
        for event in self.process.events:
            pid, _, what = event.partition(" ")
            found.setdefault(pid, []).append(what)
        return found


@contextmanager
def serving(
    server: Server,
    *options: str,
    application: str = "shop.asgi:application",
    folder: Path = SITE,
    **variables: str | None,
) -> Generator[Serving, None, None]:
    """The site under *server*, gone when the block ends."""
    port = reserved_port()
    command = (
        part.format(port=port, application=application)
        for part in (*server.command, *options)
    )
    variables = {"PYTHONUNBUFFERED": "1", **variables}
    with running(*command, folder=folder, **variables) as process:
        yield Serving(server, process, port)


def reserved_port() -> str:
    """
    A port on loopback that nobody gets by asking for any.

    Its last connection is kept in TIME_WAIT, so the system hands it to nobody, and
    lets a server have it that names it (with SO_REUSEADDR, which all of them set).
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            # Who closes first is left in TIME_WAIT.
            listener.accept()[0].close()
        return str(port)
