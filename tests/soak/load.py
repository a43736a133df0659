"""Load: clients in threads that send requests without a pause."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
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
class Load:
    """The clients, and the results of their requests."""

    def __init__(self, port: str, *paths: str) -> None:
        self.answered: set[str] = set()
        """The numbers of requests that were answered with 200."""
        self.kinds: Counter[str] = Counter()
        """
        How many were ``answered``; had another status; were ``refused``, ``reset`` or
        ``closed`` on a connection of their own; ``stale`` on one that was kept and
        closed meanwhile, which HTTP allows a server to do (RFC 9112, 9.3). Requests
        after the end are left out.
        """
        self._port = int(port)
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
        """From now on requests do not count, and a refused client ends."""
        self._ending.set()

    @contextmanager
    def running(self) -> Generator[None]:
        """Send requests while the block runs."""
        mosts = [1] * FRESH + [MOST] * KEEPING
        threads = [Thread(target=self._ask, args=(most,)) for most in mosts]
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

    def _ask(self, most: int) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=LIMIT)
        try:
            for asked, path in enumerate(cycle(self._paths)):
                if self._stop.is_set():
                    return
                if asked % most == 0:
                    connection.close()
                if self._one(connection, path) == "refused":
                    if self._ending.is_set():
                        return
                    self._stop.wait(PAUSE)
        finally:
            connection.close()

    def _one(self, connection: HTTPConnection, path: str) -> str:
        number = str(next(self._numbers))
        late = self._ending.is_set()
        kept = connection.sock is not None
        try:
            connection.request("GET", f"/{path}/{number}")
            response = connection.getresponse()
            body = response.read()
            kind = "answered" if response.status == 200 else str(response.status)
        except (OSError, HTTPException) as error:
            connection.close()
            kind = "stale" if kept else _kind(error)
            # It began before the end, and had not reached the server by then.
            late = late or (kind == "refused" and self._ending.is_set())
        with self._changed:
            if kind == "answered":
                assert json.loads(body) == {"number": number}
                self.answered.add(number)
            self.kinds[kind] += not late
            self._changed.notify_all()
        return kind


def _kind(error: Exception) -> str:
    match error:
        case ConnectionRefusedError():
            return "refused"
        case RemoteDisconnected():
            return "closed"
        case ConnectionResetError() | BrokenPipeError():
            return "reset"
    return repr(error)
