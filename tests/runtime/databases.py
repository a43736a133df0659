"""Databases for tests, and the connections that were opened to them."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections


class Database:
    """A database in a file, and the connections that were opened to it."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.used: list[tuple[str, Any, threading.Thread]] = []

    def use(self, by: str) -> None:
        """Query with the connection of this thread."""
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        self.used.append((by, connection, threading.current_thread()))

    def users(self) -> list[str]:
        """Return the users, in order."""
        return [by for by, *_ in self.used]

    def left_open(self) -> list[str]:
        """Return the users whose connections are still open."""
        return [by for by, used, _ in self.used if used.connection is not None]

    def break_connection(self) -> None:
        """Let the connection of this thread fail when it is closed."""
        wrapper: Any = connections[self.alias]

        def close() -> None:
            wrapper.connection.close()  # Python 3.13 would complain otherwise
            raise OperationalError("the server has gone away")

        wrapper._close = close


def _database(folder: Path, name: str) -> Generator[Database]:
    alias = f"{folder.parent.name}_{folder.name}_{name}"
    default = connections.settings["default"]
    connections.settings[alias] = {**default, "NAME": str(folder / f"{name}.sqlite3")}
    yield Database(alias)
    del connections.settings[alias]


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    """A database of this test's own."""
    yield from _database(tmp_path, "db")


@pytest.fixture
def other(tmp_path: Path) -> Generator[Database]:
    """Another database."""
    yield from _database(tmp_path, "other")
