"""Exceptions: attributes, and the way to another process."""

from __future__ import annotations

import pickle
from typing import Final

import pytest

from django_lifespan_typed import exceptions
from django_lifespan_typed._declare.location import Location
from django_lifespan_typed.exceptions import LifespanError

DB = Location("shop/db.py", 9, "shop.db")
WEB = Location("shop/web.py", 7, "shop.web")
ERRORS: Final[tuple[LifespanError, ...]] = (
    exceptions.LifespanError("problem and fix"),
    exceptions.InvalidSetting("wrong", "Write it."),
    exceptions.InvalidDeclaration("wrong", DB, "Write it."),
    exceptions.DuplicateName("db", [DB, WEB]),
    exceptions.MissingDependency("db", "pool", DB, ["db", "web"]),
    exceptions.DependencyCycle([("db", DB), ("web", WEB)]),
    exceptions.LifespanNotRunning("none is running"),
    exceptions.StateNotFound("db", "no 'db'"),
    exceptions.ProtocolError("sent twice"),
    exceptions.StartupError("db", DB, "failed"),
    exceptions.StartupTimeout("db", DB, 1.5, ["web", "cache"]),
    exceptions.InvalidFactory("db", DB, "yielded twice", "Yield once."),
    exceptions.InvalidValue("db", DB, 1, "str", WEB),
    exceptions.ResourceCrashed("db", DB, "crashed"),
    exceptions.ShutdownError("db", DB, "failed to shut down"),
    exceptions.ShutdownTimeout("db", DB, 1.5, []),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_exception_survives_pickling(error: LifespanError) -> None:
    """A parallel test run sends it to another process."""
    error.__dict__["__notes__"] = ["while starting"]

    other = pickle.loads(pickle.dumps(error))

    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.args == error.args
    assert vars(other) == vars(error)


def test_a_timeout_names_only_what_waits() -> None:
    waiting = exceptions.StartupTimeout("db", DB, 1.5, ["web", "cache"])
    alone = exceptions.StartupTimeout("db", DB, 1.5, [])

    assert waiting.waiting == ("cache", "web")
    assert "Waiting for it: 'cache', 'web'." in str(waiting)
    assert "Waiting" not in str(alone)


def test_every_public_exception_is_listed() -> None:
    found = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, LifespanError)
        if not name.startswith("_")
    }

    assert found == set(exceptions.__all__)
