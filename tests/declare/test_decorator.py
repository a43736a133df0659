"""lifespan_resource: what it returns, registers and refuses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial, wraps
from typing import Any, Protocol

import pytest
from typing_extensions import Self

from django_lifespan_typed import (
    Registry,
    Resource,
    StateKey,
    lifespan_resource,
)
from django_lifespan_typed._declare.location import Location
from django_lifespan_typed.exceptions import DuplicateName, InvalidDeclaration
from tests.runtime.probes import Probes, next_line

declare: Any = lifespan_resource

A = StateKey[int]("a")
B = StateKey[int]("b")


class Client:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def generates() -> AsyncGenerator[Client]:
    yield Client()


def test_a_resource_is_a_key_with_all_its_arguments(registry: Registry) -> None:
    options: dict[str, Any] = {"start_timeout": 1.5, "stop_timeout": 2.5}

    here = next_line()
    made = lifespan_resource("it", needs=(A,), registry=registry, **options)(takes_one)

    assert isinstance(made, Resource)
    assert isinstance(made, StateKey)
    assert (made.name, made.needs, made.key) == ("it", (A,), None)
    assert (made.start_timeout, made.stop_timeout) == (1.5, 2.5)
    assert (made.optional, made.health_check) == (False, None)
    assert made.factory is takes_one
    assert str(made.declared_at) == here
    assert repr(made) == f"<Resource 'it' from {__name__}>"


def test_a_resource_takes_name_and_type_of_its_key(registry: Registry) -> None:
    key = StateKey[Client]("client")

    made = lifespan_resource(key, registry=registry)(Client)

    assert (made.name, made.key, made.value_type) == ("client", key, Client)
    assert registry["client"] is made


def message(problem: str, location: str, line: str, fix: str) -> str:
    """Return the message of an InvalidDeclaration for that line of this file."""
    return f"{problem}\n    {location}  {line}\n{fix}"


SECRET = b"hunter2"
TAKES = "lifespan_resource() takes a name or a StateKey, not"
NO_KEY = 'Write: @lifespan_resource("{}")'
NEEDS = "not a tuple of keys or resources"
NEEDS_FIX = "Write: needs=(HTTP,) with the comma, and the keys, not their names."


@pytest.mark.parametrize(
    ("key", "options", "problem", "fix"),
    [
        ("", {}, f"{TAKES} an empty string", NO_KEY.format("some_name")),
        (5, {}, f"{TAKES} an object of type int", NO_KEY.format("some_name")),
        (SECRET, {}, f"{TAKES} an object of type bytes", NO_KEY.format("some_name")),
        (generates, {}, f"{TAKES} the function generates", NO_KEY.format("generates")),
        (Client, {}, f"{TAKES} the class Client", NO_KEY.format("Client")),
        (
            "it",
            {"needs": A},
            f"lifespan resource 'it' has a key as needs=, {NEEDS}",
            NEEDS_FIX,
        ),
        (
            "it",
            {"needs": [A]},
            f"lifespan resource 'it' has an object of type list as needs=, {NEEDS}",
            NEEDS_FIX,
        ),
        (
            "it",
            {"needs": (A, SECRET)},
            (
                "lifespan resource 'it' has an object of type bytes in needs=, "
                "not a key or resource"
            ),
            'Write: KEY = StateKey[SomeType]("some_name"), or use the resource.',
        ),
        (
            "it",
            {"start_timeout": 0},
            "start_timeout= of lifespan resource 'it' is not above 0",
            'Write: start_timeout=5.0, or start_timeout=float("inf") for no limit.',
        ),
        (
            "it",
            {"start_timeout": SECRET},
            (
                "start_timeout= of lifespan resource 'it' is of type bytes, "
                "not a number of seconds"
            ),
            'Write: start_timeout=5.0, or start_timeout=float("inf") for no limit.',
        ),
        (
            "it",
            {"optional": "yes"},
            "optional= of lifespan resource 'it' is of type str, not True or False",
            "Write: optional=True, or leave it out.",
        ),
        (
            "it",
            {"registry": "default"},
            "registry= is a str, which is not a Registry",
            "Write: registry=Registry(), or leave it out for the default one.",
        ),
        (
            "it",
            {"start_timout": 5},
            "lifespan_resource() has no option 'start_timout'",
            (
                "Did you mean 'start_timeout'? "
                "Known: needs, registry, start_timeout, stop_timeout, optional."
            ),
        ),
    ],
)
def test_invalid_arguments_are_refused(
    key: Any, options: dict[str, Any], problem: str, fix: str
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare(key, **options)

    assert str(caught.value) == message(problem, here, "declare(key, **options)", fix)


async def takes_one(one: int, /) -> AsyncGenerator[int]:
    yield one


class Pool:
    def __init__(self, one: int) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def connect(self) -> AsyncGenerator[int]:
        yield 1

    @classmethod
    async def create(cls) -> AsyncGenerator[int]:
        yield 1


class Plain:
    """A class that is no context manager."""


def returns_a_number() -> int:
    return 1


async def returns_for_yield() -> AsyncGenerator[Client]:
    return Client()  # type: ignore[return-value]


async def managed_without_yield() -> Client:
    return Client()


EXAMPLE = """
    @lifespan_resource("it")
    async def {}() -> AsyncGenerator[{}]:
        yield {}"""
FROM_GENERATOR = "Yield the value from a generator:" + EXAMPLE
ONE_EACH = "Give {} one parameter for each dependency in needs=, in its order."


@pytest.mark.parametrize(
    ("needs", "factory", "problem", "fix"),
    [
        (
            (),
            takes_one,
            "passes nothing to a factory that takes (one: 'int', /)",
            ONE_EACH.format("takes_one"),
        ),
        (
            (A, B),
            asynccontextmanager(takes_one),
            "passes 'a', 'b' to a factory that takes (one: 'int', /)",
            ONE_EACH.format("takes_one"),
        ),
        (
            (),
            Pool,
            "passes nothing to a factory that takes (one: 'int')",
            ONE_EACH.format("Pool"),
        ),
        (
            (),
            Pool.connect,
            "decorates the method Pool.connect, which takes self",
            "Move it out of its class:" + EXAMPLE.format("connect", "int", "..."),
        ),
        (
            (A,),
            Pool.connect,  # its parameter would be the value of 'a'
            "decorates the method Pool.connect, which takes self",
            (
                "Move it out of its class:"
                + EXAMPLE.replace('"it"', '"it", needs=...').format(
                    "connect", "int", "..."
                )
            ),
        ),
        (
            (),
            vars(Pool)["create"],
            "decorates an object of type classmethod, which cannot be called",
            "Move Pool.create out of its class, to module level.",
        ),
        (
            (),
            returns_for_yield,
            "decorates the coroutine function returns_for_yield, which has no yield",
            FROM_GENERATOR.format("returns_for_yield", "Client", "..."),
        ),
        (
            (),
            asynccontextmanager(managed_without_yield),  # type: ignore[arg-type]
            (
                "decorates the coroutine function managed_without_yield, "
                "which has no yield"
            ),
            FROM_GENERATOR.format("managed_without_yield", "Client", "..."),
        ),
        (
            (),
            Plain,
            "decorates the class Plain, which is not a context manager",
            FROM_GENERATOR.format("it", "SomeType", "Plain(...)"),
        ),
        (
            (),
            returns_a_number,
            (
                "decorates the plain function returns_a_number, which returns int: "
                "neither a context manager nor awaitable"
            ),
            FROM_GENERATOR.format("returns_a_number", "int", "..."),
        ),
        (
            (),
            Client(),
            f"decorates an object of type {__name__}.Client, which cannot be called",
            "Decorate a function or a class:" + EXAMPLE.format("it", "SomeType", "..."),
        ),
    ],
)
def test_unsuitable_factories_are_refused(
    needs: Any, factory: Any, problem: str, fix: str, *, registry: Registry
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare("it", needs=needs, registry=registry)(factory)

    line = 'declare("it", needs=needs, registry=registry)(factory)'
    problem = f"lifespan resource 'it' {problem}"
    assert str(caught.value) == message(problem, here, line, fix)
    assert len(registry) == 0


class Awaitable:
    """An awaitable, as asyncpg's pool is."""

    def __await__(self) -> Any:
        yield


class Closes(Protocol):
    def close(self) -> None: ...


def returns_an_awaitable() -> Awaitable:
    return Awaitable()


def returns_a_protocol() -> Closes: ...  # type: ignore[empty-body]


def returns_an_unknown_name() -> Unknown: ...  # type: ignore[name-defined]  # noqa: F821


def yields_an_annotated_number() -> int:
    yield 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "factory",
    [
        returns_an_awaitable,
        returns_a_protocol,
        returns_an_unknown_name,
        yields_an_annotated_number,
        iter,
        partial(returns_an_awaitable),
        wraps(returns_a_number)(lambda: returns_an_awaitable()),
    ],
    ids=lambda factory: getattr(factory, "__name__", "partial"),
)
def test_factories_that_may_produce_a_value_are_accepted(
    factory: Any, registry: Registry
) -> None:
    assert declare("it", registry=registry)(factory) in registry


def with_another_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def wrapper(*args: Any) -> Any:
        return function("another", *args)

    return wrapper


@with_another_argument
def takes_two(_another: str, _one: int) -> Iterator[int]:
    yield 1


def test_a_decorator_may_add_arguments(registry: Registry) -> None:
    resource = declare("it", needs=(A,), registry=registry)(takes_two)
    resource.health(takes_two)

    assert resource.factory is resource.health_check is takes_two


def test_duplicate_names_are_refused(registry: Registry) -> None:
    first = declare("it", registry=registry)(Client)

    with pytest.raises(DuplicateName) as caught:
        declare("it", registry=registry)(generates)

    assert isinstance(caught.value, ValueError)
    assert caught.value.name == "it"
    assert caught.value.locations[0] == first.declared_at
    assert caught.value.locations[1].line > first.declared_at.line
    assert list(registry) == [first]


def takes_nothing() -> None: ...


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        (5, "is of type int, which cannot be called"),
        (takes_nothing, "takes (), not only the value"),
    ],
)
def test_unsuitable_health_checks_are_refused(
    check: Any, problem: str, registry: Registry
) -> None:
    resource = declare("it", registry=registry)(generates)

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        resource.health(check)

    problem = f"the health check of lifespan resource 'it' {problem}"
    fix = "Decorate one function of one parameter, the value of 'it'."
    assert str(caught.value) == message(problem, here, "resource.health(check)", fix)


def takes_a_value(_: object) -> None: ...


@wraps(takes_a_value)
def wraps_it(value: object) -> None:
    takes_a_value(value)


@pytest.mark.parametrize(
    "first", [takes_a_value, partial(takes_a_value), wraps_it, iter]
)
def test_a_second_health_check_is_refused(first: Any, registry: Registry) -> None:
    """The message has the location of the first, as far as it is known."""
    resource = declare("it", registry=registry)(generates)
    resource.health(first)

    with pytest.raises(InvalidDeclaration) as caught:
        resource.health(takes_a_value)

    line = takes_a_value.__code__.co_firstlineno
    found = "builtins" if first is iter else Location(__file__, line, __name__)
    assert f"is declared twice, first at {found}\n" in str(caught.value)


# --- Optional resources


def test_a_required_resource_cannot_depend_on_an_optional_one(
    registry: Registry, probes: Probes
) -> None:
    probes.add("cache", optional=True)
    cache = probes.resources["cache"]

    with pytest.raises(InvalidDeclaration) as caught:
        probes.add("books", "cache")

    assert caught.value.location is not None
    assert str(caught.value) == (
        "lifespan resource 'books' is not optional, but depends on 'cache', which is\n"
        f"{cache.declared_at.draw()}\n{caught.value.location.draw()}\n"
        "Write optional=True for 'books' too, or remove it from 'cache'."
    )
    assert list(registry) == [cache]


def test_an_optional_dependency_is_refused_after_its_dependent(
    registry: Registry, probes: Probes
) -> None:
    probes.add("books", "cache")
    books = probes.resources["books"]

    with pytest.raises(InvalidDeclaration) as caught:
        probes.add("cache", optional=True)

    assert caught.value.location == books.declared_at
    assert list(registry) == [books]


@pytest.mark.parametrize(
    ("books", "cache"), [(True, True), (True, False), (False, False)]
)
def test_optional_resources_may_depend_on_any(
    books: bool, cache: bool, registry: Registry, probes: Probes
) -> None:
    probes.add("books", "cache", optional=books)
    probes.add("cache", optional=cache)

    assert [resource.optional for resource in registry] == [books, cache]
