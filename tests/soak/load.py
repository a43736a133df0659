"""Load: clients in threads that send requests without a pause."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from threading import Condition, Event, Thread
from typing import Final, final

from tests.processes import LIMIT

FRESH: Final = 4
KEEPING: Final = 2
# Requests on a connection that is kept alive, as proxies do. uvicorn closes no
# connection that it accepts at the moment of its end, and would serve it for ever.
MOST: Final = 25
PAUSE: Final = 0.02


@final
@dataclass(frozen=True)
class Outcome:
    """The result of one request."""

    number: str
    kind: str
    """
    ``answered``; a status other than 200; ``refused``, ``reset`` or ``closed`` for a
    connection of its own; ``stale`` for one that was kept and closed meanwhile,
    which HTTP allows a server to do (RFC 9112, 9.3).
    """
    late: bool
    """Whether it was sent after the server was stopped."""


@final
class Load:
    """The clients, and the results of their requests."""

    def __init__(self, port: str, *paths: str) -> None:
        self.outcomes: list[Outcome] = []
        self.kinds: Counter[str] = Counter()
        """The number of each kind, without late ones."""
        self._port = port
        self._paths = paths
        self._numbers = count()
        self._changed = Condition()
        self._ending = Event()
        self._stop = Event()

    def until_answered(self, more: int) -> None:
        """Wait for this number of answers, as long as there are any."""
        with self._changed:
            goal = self.kinds["answered"] + more
            while self.kinds["answered"] < goal:
                assert self._changed.wait(LIMIT), self.kinds

    def end(self) -> None:
        """From now on requests are late, and a refused client ends."""
        self._ending.set()

    @contextmanager
    def running(self) -> Generator[None]:
        """Send requests while the block runs."""
        keeps = [False] * FRESH + [True] * KEEPING
        threads = [Thread(target=self._ask, args=(keep,)) for keep in keeps]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(LIMIT + 1)
            assert not any(thread.is_alive() for thread in threads)

    # --- In each thread

    def _ask(self, keep: bool) -> None:
        paths = cycle(self._paths)
        connection = self._connection()
        asked = count()
        try:
            while not self._stop.is_set():
                if not next(asked) % (MOST if keep else 1):
                    connection.close()
                kind = self._one(connection, paths)
                if kind == "refused":
                    if self._ending.is_set():
                        return
                    self._stop.wait(PAUSE)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", int(self._port), timeout=LIMIT)

    def _one(self, connection: http.client.HTTPConnection, paths: Iterator[str]) -> str:
        number = str(next(self._numbers))
        late = self._ending.is_set()
        kept = connection.sock is not None
        try:
            connection.request("GET", f"/{next(paths)}/{number}")
            kind = _kind(connection.getresponse(), number)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            kind = "stale" if kept else _name(error)
            # It began before the end, and had not reached the server by then.
            late = late or (kind == "refused" and self._ending.is_set())
        with self._changed:
            self.outcomes.append(Outcome(number, kind, late))
            self.kinds[kind] += not late
            self._changed.notify_all()
        return kind


def _kind(response: http.client.HTTPResponse, number: str) -> str:
    body = response.read()
    if response.status != 200:
        return str(response.status)
    assert json.loads(body) == {"number": number}
    return "answered"


def _name(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, http.client.RemoteDisconnected):
        return "closed"
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return "reset"
    return repr(error)
