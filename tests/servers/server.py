"""A server as the tests run it, and tests for several of them."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from signal import SIGINT, SIGTERM
from typing import Final, Literal, final

import pytest


@final
@dataclass(frozen=True)
class Server:
    """A server as the tests run it."""

    name: str
    """In the ids of tests."""
    title: str
    """In the documentation; empty: not there."""
    package: str
    """The package with its version."""
    command: tuple[str, ...]
    """With ``{port}`` and ``{application}``, or ``ASGI_APPLICATION`` for the latter."""
    ready: str
    """A pattern in what each worker prints when it serves."""
    stopping: str = ""
    """A pattern in what it prints when a shutdown begins; empty: nothing."""
    impatient: tuple[str, ...] = ()
    """Options for a shutdown that ends in SIGKILL anyway."""
    patient: tuple[str, ...] = ()
    """Options that put no limit on requests in flight."""
    workers: int = 1
    flag: str = ""
    """In the warning about a late start."""
    sends_lifespan: bool = True
    early: Literal["refused", "held"] = "refused"
    """Connections before the startup is complete."""
    failed_start: tuple[int, ...] = ()
    """Possible exit codes after a failed startup; none: it does not exit."""
    stopped: int = 0
    """The exit code after SIGTERM; negative for the signal."""
    stop_limit: str = "no limit"
    """How long it waits for the shutdown, for the documentation."""
    in_flight: Literal["finishes", "cancelled", "killed"] = "finishes"
    """Requests in flight at SIGTERM."""
    lazily_closed_by: tuple[signal.Signals, ...] = ()
    """The signals that shut down resources of a late start."""

    @property
    def starts_lazily(self) -> bool:
        """Whether resources start with the first request."""
        return not self.sends_lifespan and self.package != "daphne"


signals: Final = pytest.mark.parametrize(
    "number",
    [
        pytest.param(SIGTERM, id="SIGTERM"),
        pytest.param(SIGINT, id="SIGINT", marks=pytest.mark.slow),
    ],
)


def each(
    servers: Iterable[Server], *, quick: Collection[Server] = ()
) -> pytest.MarkDecorator:
    """One test for each of *servers*, slow but for those in *quick*."""
    return pytest.mark.parametrize(
        "server",
        [
            pytest.param(
                server,
                id=server.name,
                marks=() if server in quick else pytest.mark.slow,
            )
            for server in servers
        ],
    )
