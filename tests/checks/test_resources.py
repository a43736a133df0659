"""Checks of dependencies and of the types of values."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

import pytest
from django.core.checks import CheckMessage, Error, Warning as Warn
from typing_extensions import Self

from django_lifespan_typed import Registry, StateKey, lifespan_resource
from django_lifespan_typed.checks.resources import check_registry

from .conftest import Declare

PIPED = f"{__name__}.Connection | NoneType"


def messages(registry: Registry) -> list[CheckMessage]:
    """Check a registry that is complete."""
    return list(check_registry(registry, is_complete=True))


def test_every_missing_dependency_is_reported(
    registry: Registry, declare: Declare
) -> None:
    first = declare("first", "databse", "cache")
    second = declare("second", "cache")
    declare("database")

    assert messages(registry) == [
        Error(
            f"lifespan resource {resource.name!r} depends on {need!r}, which is not "
            f"registered\n{resource.declared_at.draw()}",
            hint=f"{similar}Register it, or remove it from needs=. "
            "Registered: 'database', 'first', 'second'.",
            obj=resource,
            id="lifespan.E001",
        )
        for resource, need, similar in (
            (first, "databse", "Did you mean 'database'? "),
            (first, "cache", ""),
            (second, "cache", ""),
        )
    ]


def test_a_missing_dependency_is_a_warning_while_more_may_be_registered(
    registry: Registry, declare: Declare
) -> None:
    declare("first", "cache")

    (error,) = messages(registry)
    (warning,) = check_registry(registry, is_complete=False)

    assert (warning.id, warning.msg) == ("lifespan.W006", error.msg)
    assert not warning.is_serious()
    assert warning.hint == (
        f"{error.hint} If asgi.py registers it, write in the settings: "
        'ASGI_APPLICATION = "mysite.asgi.application".'
    )


def test_a_dependency_cycle_is_reported_beside_a_missing_dependency(
    registry: Registry, declare: Declare
) -> None:
    a = declare("a", "b", "gone")
    b = declare("b", "a")

    missing, cycle = messages(registry)

    assert (missing.id, cycle.id) == ("lifespan.E001", "lifespan.E002")
    assert str(a.declared_at) in cycle.msg
    assert str(b.declared_at) in cycle.msg
    assert cycle.hint


class Connection:
    async def close(self) -> None: ...


class Session(Connection):
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def connects() -> Connection:
    return Connection()


async def may_connect() -> Connection | None:
    return None


async def opens() -> Session:
    return Session()


class Closable(Protocol):
    """Implementations may well be context managers."""

    async def close(self) -> None: ...


async def implements() -> Closable:
    return Session()


async def yields() -> AsyncGenerator[Connection]:
    yield Connection()


@pytest.mark.parametrize("factory", [connects, may_connect])
def test_a_value_that_is_never_closed_is_reported(
    factory: Any, registry: Registry
) -> None:
    resource: Any = lifespan_resource("db", registry=registry)(factory)

    assert messages(registry) == [
        Warn(
            f"lifespan resource 'db' returns a value of type {__name__}.Connection, "
            f"which is never closed\n{resource.declared_at.draw()}",
            hint="To close it at shutdown, yield it:\n"
            '    @lifespan_resource("db")\n'
            f"    async def {factory.__name__}() -> AsyncGenerator["
            f"{'Connection' if factory is connects else PIPED}]:\n"
            "        value = ...\n"
            "        try:\n"
            "            yield value\n"
            "        finally:\n"
            "            await value.close()",
            obj=resource,
            id="lifespan.W009",
        )
    ]


@pytest.mark.parametrize("factory", [opens, implements, yields])
def test_a_value_that_is_closed_is_not_reported(
    factory: Any, registry: Registry
) -> None:
    lifespan_resource("db", registry=registry)(factory)

    assert messages(registry) == []


async def without_annotations():  # type: ignore[no-untyped-def]
    yield object()


def test_a_value_of_unknown_type_is_reported(registry: Registry) -> None:
    decorate: Any = lifespan_resource("made", registry=registry)
    resource = decorate(without_annotations)

    assert messages(registry) == [
        Warn(
            "the type of lifespan resource 'made' is not known at runtime, so its "
            f"value is not checked\n{resource.declared_at.draw()}",
            hint="Annotate the factory with names that can be imported at runtime, or "
            'declare the resource with a key: StateKey[SomeType]("made"). If any type '
            "will do, write StateKey[Any].",
            obj=resource,
            id="lifespan.W007",
        )
    ]


def test_a_key_of_any_type_is_accepted(registry: Registry) -> None:
    decorate: Any = lifespan_resource(StateKey[Any]("made"), registry=registry)
    decorate(without_annotations)

    assert messages(registry) == []
