"""Errors, as they come through to another process."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest

from django_lifespan_typed import StateKey, exceptions
from django_lifespan_typed._declare.location import Location
from django_lifespan_typed.exceptions import LifespanError

AT = Location("shop/db.py", 9, "shop.db")
OTHER = Location("shop/web.py", 7, "shop.web")


def every_error() -> Iterator[LifespanError]:
    """One of each class, made as the package makes it."""
    yield exceptions.LifespanError("what, and what instead")
    yield exceptions.LifespanNotRunning("none runs")
    yield exceptions.StateNotFound("db", "no 'db'")
    yield exceptions.ProtocolError("sent twice")
    yield exceptions.StartupError("db", AT, "failed")
    yield exceptions.StartupTimeout("db", AT, 1.5, ["web", "cache"])
    yield exceptions.InvalidFactory("db", AT, "yielded twice", "Yield once.")
    yield exceptions.InvalidValue("db", AT, 1, "str", OTHER)
    yield exceptions.ResourceCrashed("db", AT, "crashed")
    yield exceptions.ShutdownError("db", AT, "failed to stop")
    yield exceptions.ShutdownTimeout("db", AT, 1.5, ["web"])


@pytest.mark.parametrize(
    "error", [*every_error()], ids=lambda error: type(error).__name__
)
def test_an_error_is_the_same_in_another_process(error: LifespanError) -> None:
    """A parallel test run, or a pool, sends what was raised there."""
    error.__dict__["__notes__"] = ["while starting"]

    other = pickle.loads(pickle.dumps(error))

    assert type(other) is type(error)
    assert str(other) == str(error)
    assert other.args == error.args
    assert vars(other) == vars(error)


def test_key_errors_are_found_by_their_name() -> None:
    """The name is not lost on the way."""
    error = exceptions.StateNotFound(StateKey[int]("db").name, "no 'db'")

    assert pickle.loads(pickle.dumps(error)).name == "db"
