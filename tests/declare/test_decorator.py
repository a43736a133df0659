"""lifespan_resource: what it returns, registers and refuses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial, wraps
from typing import Any, Protocol

import pytest
from typing_extensions import Self

from django_lifespan_typed import (
    Lifespan,
    Registry,
    Resource,
    StateKey,
    lifespan_resource,
)
from django_lifespan_typed._declare.registry import default_registry
from django_lifespan_typed.exceptions import DuplicateName, InvalidDeclaration
from tests.runtime.probes import next_line

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

    def factory(_: int) -> Iterator[str]:
        yield ""

    here = next_line()
    made = lifespan_resource("it", needs=(A,), registry=registry, **options)(factory)

    assert isinstance(made, Resource)
    assert isinstance(made, StateKey)
    assert (made.name, made.needs, made.key) == ("it", (A,), None)
    assert (made.start_timeout, made.stop_timeout) == (1.5, 2.5)
    assert (made.optional, made.health_check) == (False, None)
    assert made.factory is factory
    assert str(made.declared_at) == here
    assert repr(made) == f"<Resource 'it' from {__name__}>"


def test_a_resource_takes_name_and_type_of_its_key(registry: Registry) -> None:
    key = StateKey[Client]("client")

    made = lifespan_resource(key, registry=registry)(Client)

    assert (made.name, made.key, made.value_type) == ("client", key, Client)
    assert registry["client"] is made


async def test_resources_go_to_the_default_registry(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(default_registry, "_resources", {})

    made = lifespan_resource("it")(Client)
    other = lifespan_resource("it", registry=registry)(Client)

    assert list(default_registry) == [made]
    assert list(registry) == [other]
    async with Lifespan() as state:
        assert isinstance(state["it"], Client)


NO_LIMIT = 'Write: {0}=5.0, or {0}=float("inf") for no limit.'


@pytest.mark.parametrize(
    ("given", "problem", "fix"),
    [
        *(
            pytest.param(
                {"key": key},
                f"lifespan_resource() takes a name or a StateKey, not {key!r}",
                'Write: @lifespan_resource("some_name")',
                id=f"key {key!r}",
            )
            for key in ("", None, 5, Client)
        ),
        *(
            pytest.param(
                {"needs": needs},
                f"lifespan resource 'it' has needs={needs!r}, which is not a tuple of "
                "keys or resources",
                "Write: needs=(HTTP,) with the comma, and the keys, not their names.",
                id=f"needs {needs!r}",
            )
            for needs in (A, ("a",), [A], None)
        ),
        *(
            pytest.param(
                {option: value},
                f"lifespan resource 'it' has {option}={value!r}, "
                "which is not a number of seconds above 0",
                NO_LIMIT.format(option),
                id=f"{option} {value!r}",
            )
            for option in ("start_timeout", "stop_timeout")
            for value in (0, -1, True, "5", float("nan"))
        ),
        pytest.param(
            {"optional": "yes"},
            "lifespan resource 'it' has optional='yes', which is not True or False",
            "Write: optional=True, or leave it out.",
            id="optional",
        ),
        pytest.param(
            {"registry": "default"},
            "registry= is a str, which is not a Registry",
            "Write: registry=Registry(), or leave it out for the default one.",
            id="registry",
        ),
        pytest.param(
            {"start_timout": 5},
            "lifespan_resource() has no option 'start_timout'",
            "Did you mean 'start_timeout'? Known: needs, registry, start_timeout, "
            "stop_timeout, optional.",
            id="unknown option",
        ),
    ],
)
def test_invalid_arguments_are_refused(
    given: dict[str, Any], problem: str, fix: str
) -> None:
    arguments = dict(given)
    key = arguments.pop("key", "it")

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare(key, **arguments)

    assert (
        str(caught.value) == f"{problem}\n    {here}  declare(key, **arguments)\n{fix}"
    )


async def takes_one(one: int, /) -> AsyncGenerator[int]:
    yield one


async def takes_a_name(*, name: int) -> AsyncGenerator[int]:
    yield name


class Pool:
    def __init__(self, one: int) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def connect(self) -> AsyncGenerator[int]:
        yield 1


class Plain:
    """A class that is no context manager."""


def returns_a_number() -> int:
    return 1


EXAMPLE = """
    @lifespan_resource("it")
    async def it() -> AsyncGenerator[SomeType]:
        yield {}"""


def passes(given: str, name: str, takes: str) -> Any:
    return (
        f"passes {given} to a factory that takes {takes}",
        f"Give {name} one parameter for each dependency in needs=, in its order.",
    )


@pytest.mark.parametrize(
    ("needs", "factory", "expected"),
    [
        ((), takes_one, passes("nothing", "takes_one", "(one: 'int', /)")),
        ((A, B), takes_one, passes("'a', 'b'", "takes_one", "(one: 'int', /)")),
        ((A,), generates, passes("'a'", "generates", "()")),
        ((A,), takes_a_name, passes("'a'", "takes_a_name", "(*, name: 'int')")),
        ((), Pool, passes("nothing", "Pool", "(one: 'int')")),
        (
            (),
            asynccontextmanager(takes_one),
            passes("nothing", "takes_one", "(one: 'int', /)"),
        ),
        (
            (),
            Pool.connect,
            (
                "passes nothing to a factory that takes (self)",
                "Move Pool.connect out of its class, to module level.",
            ),
        ),
        (
            (),
            Plain,
            (
                "decorates the class Plain, which is not a context manager",
                "Yield the value from a generator:" + EXAMPLE.format("Plain(...)"),
            ),
        ),
        (
            (),
            returns_a_number,
            (
                (
                    "decorates the plain function returns_a_number, which returns int: "
                    "neither a context manager nor awaitable"
                ),
                "Yield the value from a generator:" + EXAMPLE.format("..."),
            ),
        ),
        (
            (),
            Client(),
            (
                (
                    f"decorates an object of type {__name__}.Client, "
                    "which cannot be called"
                ),
                "Decorate a function or a class:" + EXAMPLE.format("..."),
            ),
        ),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_unsuitable_factories_are_refused(
    needs: Any, factory: Any, expected: tuple[str, str], registry: Registry
) -> None:
    problem, fix = expected

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare("it", needs=needs, registry=registry)(factory)

    assert str(caught.value) == (
        f"lifespan resource 'it' {problem}\n"
        f'    {here}  declare("it", needs=needs, registry=registry)(factory)\n{fix}'
    )
    assert len(registry) == 0


class Awaitable:
    """An awaitable, as asyncpg's pool is."""

    def __await__(self) -> Any:
        yield


class Closes(Protocol):
    def close(self) -> None: ...


def returns_an_awaitable() -> Awaitable:
    return Awaitable()


def returns_a_context_manager() -> AbstractContextManager[int]:
    return nullcontext(1)


def returns_an_iterator() -> Iterator[int]:
    return iter([1])


def returns_anything() -> Any: ...


def returns_a_protocol() -> Closes:
    raise NotImplementedError


def returns_an_unknown_name() -> Unknown: ...  # type: ignore[name-defined]  # noqa: F821


def yields_an_annotated_number() -> int:
    yield 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "factory",
    [
        returns_an_awaitable,
        returns_a_context_manager,
        returns_an_iterator,
        returns_anything,
        returns_a_protocol,
        returns_an_unknown_name,
        yields_an_annotated_number,
        nullcontext,
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


@with_another_argument
async def checks_two(_another: str, _value: object) -> None: ...


def test_a_decorator_may_add_arguments(registry: Registry) -> None:
    resource = declare("it", needs=(A,), registry=registry)(takes_two)
    resource.health(checks_two)

    assert resource.factory is takes_two
    assert resource.health_check is checks_two


def test_builtins_without_a_signature_are_accepted(registry: Registry) -> None:
    made = declare("it", needs=(A,), registry=registry)(iter)
    made.health(iter)

    assert registry["it"] is made
    assert made.health_check is iter


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

    assert str(caught.value) == (
        f"the health check of lifespan resource 'it' {problem}\n"
        f"    {here}  resource.health(check)\n"
        "Decorate one function of one parameter, the value of 'it'."
    )


def test_a_second_health_check_is_refused(registry: Registry) -> None:
    resource = lifespan_resource("it", registry=registry)(generates)

    @resource.health
    def first(_: Client) -> None: ...

    with pytest.raises(InvalidDeclaration, match="is declared twice, first at"):
        resource.health(first)


# --- Optional resources


def add(registry: Registry, name: str, *needs: Any, optional: bool) -> Any:
    async def factory(*_: object) -> str:
        return name

    return declare(name, needs=needs, registry=registry, optional=optional)(factory)


@pytest.mark.parametrize("by_key", [False, True], ids=["by resource", "by key"])
def test_a_required_resource_cannot_depend_on_an_optional_one(
    by_key: bool, registry: Registry
) -> None:
    cache = add(registry, "cache", optional=True)
    need = StateKey[str]("cache") if by_key else cache

    with pytest.raises(InvalidDeclaration) as caught:
        add(registry, "books", need, optional=False)

    assert caught.value.location is not None
    assert str(caught.value) == (
        "lifespan resource 'books' is not optional, but depends on 'cache', which is\n"
        f"{cache.declared_at.draw()}\n{caught.value.location.draw()}\n"
        "Write optional=True for 'books' too, or remove it from 'cache'."
    )
    assert list(registry) == [cache]


def test_an_optional_dependency_is_refused_after_its_dependent(
    registry: Registry,
) -> None:
    books = add(registry, "books", StateKey[str]("cache"), optional=False)

    with pytest.raises(InvalidDeclaration) as caught:
        add(registry, "cache", optional=True)

    assert caught.value.location == books.declared_at
    assert list(registry) == [books]


@pytest.mark.parametrize(
    ("books", "cache"), [(True, True), (True, False), (False, False)]
)
def test_optional_resources_may_depend_on_any(
    books: bool, cache: bool, registry: Registry
) -> None:
    add(registry, "books", StateKey[str]("cache"), optional=books)
    add(registry, "cache", optional=cache)

    assert [resource.optional for resource in registry] == [books, cache]
