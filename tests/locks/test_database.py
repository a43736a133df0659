"""The database session that holds a lock."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.signals import connection_created
from django.test import override_settings

from django_lifespan_typed.exceptions import InvalidDeclaration, LifespanError
from django_lifespan_typed.locks import DatabaseLock

from .engines import MariaDB, PostgreSQL

Database = PostgreSQL | MariaDB

both = pytest.mark.parametrize("engine", ["postgresql", "mariadb"], indirect=True)
postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@pytest.fixture
def opened() -> Generator[list[Any]]:
    """The connections that were opened."""
    opened: list[Any] = []

    def on_created(connection: Any, **_: object) -> None:
        opened.append(connection)

    connection_created.connect(on_created)
    yield opened
    connection_created.disconnect(on_created)


@both
async def test_the_session_is_not_one_of_django_s(
    engine: Database, opened: list[Any]
) -> None:
    engine.settings["AUTOCOMMIT"] = False
    async with engine.holding():
        (connection,) = opened

        assert connection not in connections.all(initialized_only=True)
        assert connection.autocommit
        assert engine.open_connections() == 1
    assert connection.connection is None


@postgresql
async def test_the_session_is_not_taken_from_a_pool(
    engine: PostgreSQL, monkeypatch: pytest.MonkeyPatch, opened: list[Any]
) -> None:
    """A pool of one connection would not give a second one."""
    options = {"pool": {"min_size": 0, "max_size": 1, "timeout": 1}}
    pooled = {**engine.settings, "OPTIONS": options}
    monkeypatch.setitem(connections.settings, "locks", pooled)

    async with engine.holding("a") as a, engine.holding("b") as b:
        assert a is not None
        assert b is not None

    assert [connection.pool for connection in opened] == [None, None]
    assert "pool" in options


@postgresql
async def test_a_session_that_others_share_is_refused(engine: PostgreSQL) -> None:
    """
    As PgBouncer shares it between transactions.

    PostgreSQL grants a lock again to a session that has it.
    """

    def lock(connection: Any, **_: object) -> None:
        connection.connection.execute("SELECT pg_try_advisory_lock(1)")

    connection_created.connect(lock)
    try:
        with pytest.raises(LifespanError, match="PgBouncer"):
            async with engine.holding():
                pytest.fail("the block runs")
    finally:
        connection_created.disconnect(lock)


@both
async def test_checks_are_not_in_the_log_of_queries(
    engine: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "django.db.backends")
    with override_settings(DEBUG=True):
        async with engine.holding():
            pass

    assert "GET_LOCK" not in caplog.text
    assert "pg_try" not in caplog.text


@both
async def test_databases_on_one_server_have_locks_of_their_own(
    engine: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"postgresql": "template1", "mysql": "mysql"}
    other = {**engine.settings, "NAME": names[engine.ENGINE.rpartition(".")[2]]}
    monkeypatch.setitem(connections.settings, "others", other)

    async with (
        engine.holding() as here,
        engine.holding(lock=DatabaseLock("others")) as there,
    ):
        assert here is not None
        assert there is not None


async def test_sqlite_has_no_such_locks() -> None:
    lock = DatabaseLock()

    with pytest.raises(InvalidDeclaration) as raised:
        async with lock.hold("a"):
            pytest.fail("the block runs")

    problem, location, fix = str(raised.value).splitlines()
    assert problem == (
        "the database 'default' is SQLite, which has no locks that a session holds"
    )
    assert "test_database.py" in location
    assert fix.startswith("Write FileLock()")
