"""The ledger: a server in the test's process that counts open connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Event, Thread
from typing import Final, Literal, final

from typing_extensions import Self

from tests.processes import LIMIT

# Seconds that a request stays in flight, so that some always are.
DELAY: Final = 0.02


@final
@dataclass
class Entry:
    """One connection of a worker."""

    pid: int
    name: str
    status: Literal["open", "goodbye", "closed", "dropped"] = "open"
    """*closed* is after a goodbye; *dropped* is without one."""


@final
class Ledger:
    """
    The open connections, and the requests in flight. It reads lines::

        open <pid> <name>    the connection is open; echoed
        use <request>        echoed after a while
        count <request>      echoed immediately
        goodbye              the connection is about to close; echoed
        handed <request>     the server has passed this request to the application
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.farewells: list[tuple[int, str]] = []
        """Goodbyes, in order: process and name."""
        self.handed: set[str] = set()
        self.in_use: set[str] = set()
        self.port = 0
        self._changed = Condition()
        self._listening = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(LIMIT)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()

    def wait_until(self, seen: Callable[[], bool], what: str) -> None:
        """Wait until *seen* is true, as long as lines arrive."""
        with self._changed:
            while not seen():
                assert self._changed.wait(LIMIT), f"{what}: {self.entries}"

    def holding(self) -> set[int]:
        """The processes with open connections."""
        return self._with_status("open")

    def _with_status(self, *statuses: str) -> set[int]:
        return {entry.pid for entry in self.entries if entry.status in statuses}

    def gone(self) -> set[int]:
        """The processes that have closed all of their connections."""
        pids = {entry.pid for entry in self.entries}
        return pids - self._with_status("open", "goodbye")

    # --- In its thread

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._callers: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._answered, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._over.wait()
        server.close()
        # The processes have ended, so every connection is closed.
        await asyncio.gather(*self._callers)

    async def _answered(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._callers.add(task)
        entries: list[Entry] = []
        try:
            while line := await reader.readline():
                await self._hear(line, writer, entries)
        except ConnectionError:
            pass
        finally:
            self._callers.discard(task)
            with self._changed:
                for entry in entries:
                    polite = entry.status == "goodbye"
                    entry.status = "closed" if polite else "dropped"
                self._changed.notify_all()
            writer.close()

    async def _hear(
        self, line: bytes, writer: asyncio.StreamWriter, entries: list[Entry]
    ) -> None:
        word, *rest = line.decode().split()
        with self._changed:
            if word == "handed":
                self.handed.add(rest[0])
                self._changed.notify_all()
                return
            if word == "open":
                entries.append(Entry(int(rest[0]), rest[1]))
                self.entries.extend(entries)
            elif word == "goodbye":
                entries[0].status = "goodbye"
                self.farewells.append((entries[0].pid, entries[0].name))
            elif word == "use":
                self.in_use.add(rest[0])
            self._changed.notify_all()
        if word == "use":
            self._loop.call_later(DELAY, self._used, rest[0], line, writer)
        else:
            writer.write(line)

    def _used(self, request: str, line: bytes, writer: asyncio.StreamWriter) -> None:
        with self._changed:
            self.in_use.discard(request)
        if not writer.is_closing():
            writer.write(line)
