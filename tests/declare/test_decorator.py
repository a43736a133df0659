"""Declaring resources: what the decorator makes, and where it puts it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, Optional, Union

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

from .probes import next_line


class Client:
    """A class that is its own factory."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def test_makes_a_resource_that_is_a_key(registry: Registry) -> None:
    """All that was said of it can be read from it."""
    need = StateKey[int]("need")
    options: dict[str, Any] = {"start_timeout": 1.5, "stop_timeout": 2.5}

    def factory(_: int) -> Iterator[str]:
        yield ""

    here = next_line()
    made = lifespan_resource("it", needs=(need,), registry=registry, **options)(factory)

    assert isinstance(made, Resource)
    assert isinstance(made, StateKey)
    assert (made.name, made.needs, made.key) == ("it", (need,), None)
    assert (made.start_timeout, made.stop_timeout) == (1.5, 2.5)
    assert made.factory is factory
    assert str(made.declared_at) == here
    assert repr(made) == "<Resource 'it' from tests.core.test_declare>"


def test_takes_a_key_that_was_declared_elsewhere(registry: Registry) -> None:
    """The resource has its name and its type."""
    key = StateKey[Client]("client")

    made = lifespan_resource(key, registry=registry)(Client)

    assert (made.name, made.key, made.value_type) == ("client", key, Client)
    assert registry["client"] is made


def test_registers_in_the_default_registry_unless_told_otherwise(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``registry=`` is for another."""
    monkeypatch.setattr(default_registry, "_resources", {})

    made = lifespan_resource("it")(Client)
    other = lifespan_resource("it", registry=registry)(Client)

    assert list(default_registry) == [made]
    assert list(registry) == [other]


async def test_the_default_registry_is_what_a_lifespan_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless it is given another."""
    monkeypatch.setattr(default_registry, "_resources", {})
    lifespan_resource("it")(Client)

    async with Lifespan() as state:
        assert isinstance(state["it"], Client)


async def generates() -> AsyncGenerator[Client]:
    yield Client()


async def iterates() -> AsyncIterator[Client]:
    yield Client()


async def awaits() -> Client:
    return Client()


async def says_nothing():  # type: ignore[no-untyped-def]
    yield Client()


async def says_any() -> AsyncGenerator[Any]:
    yield Client()


async def names_what_is_not_there() -> AsyncGenerator[NotThere]:  # type: ignore[name-defined]  # noqa: F821
    yield Client()


async def maybe() -> AsyncGenerator[Client | None]:
    yield None


async def maybe_awaits() -> Optional[Client]:  # noqa: UP045
    return None


async def either_awaits() -> Union[Client, int]:  # noqa: UP007
    return 1


def blocks() -> Iterator[Client]:
    yield Client()


def returns_a_coroutine() -> Coroutine[Any, Any, Client]:
    return awaits()


def returns_a_pool() -> Client:
    return Client()


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (generates, Client),
        (iterates, Client),
        (asynccontextmanager(generates), Client),
        (awaits, Client),
        (blocks, Client),
        (returns_a_coroutine, Client),
        (Client, Client),
        (maybe, Optional[Client]),  # noqa: UP045
        (maybe_awaits, Optional[Client]),  # noqa: UP045
        (either_awaits, Union[Client, int]),  # noqa: UP007
        (says_nothing, None),
        (says_any, None),
        (names_what_is_not_there, None),
        (returns_a_pool, None),
    ],
)
def test_finds_its_type_in_the_annotations(
    factory: Any, expected: object, registry: Registry
) -> None:
    """Those of the factory, where no key says it."""
    made = lifespan_resource("it", registry=registry)(factory)

    assert made.value_type == expected


@pytest.mark.parametrize("given", ["", None, 5, Client], ids=repr)
def test_refuses_what_is_neither_name_nor_key(given: Any, registry: Registry) -> None:
    """The error says what to write instead."""
    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        lifespan_resource(given, registry=registry)

    assert str(caught.value) == (
        f"lifespan_resource() takes a name or a StateKey, not {given!r}\n"
        f"    {here}  lifespan_resource(given, registry=registry)\n"
        'Write: @lifespan_resource("some_name")'
    )


def test_refuses_a_decorator_without_its_name(registry: Registry) -> None:
    """The function that was meant to be decorated is no name."""
    with pytest.raises(InvalidDeclaration) as caught:
        lifespan_resource(generates)  # type: ignore[call-overload]

    assert str(caught.value).startswith(
        "lifespan_resource() takes a name or a StateKey, not <function generates at 0x"
    )
    assert len(registry) == 0


@pytest.mark.parametrize(
    "needs", [StateKey[int]("db"), ("db",), [StateKey[int]("db")], None], ids=repr
)
def test_refuses_needs_that_are_not_a_tuple_of_keys(
    needs: Any, registry: Registry
) -> None:
    """A forgotten comma and names in place of keys are the usual mistakes."""
    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        lifespan_resource("it", needs=needs, registry=registry)

    assert str(caught.value) == (
        f"lifespan resource 'it' has needs={needs!r}, "
        "which is not a tuple of keys or resources\n"
        f'    {here}  lifespan_resource("it", needs=needs, registry=registry)\n'
        "Write: needs=(HTTP,) with the comma, and the keys, not their names."
    )


@pytest.mark.parametrize("option", ["start_timeout", "stop_timeout"])
@pytest.mark.parametrize(
    "value", [0, -1, True, "5", float("nan")], ids=lambda value: repr(value)
)
def test_refuses_limits_that_are_no_seconds(
    option: str, value: Any, registry: Registry
) -> None:
    """A limit is a number above 0; ``inf`` is for none."""
    given = {option: value}

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        lifespan_resource("it", registry=registry, **given)

    assert str(caught.value) == (
        f"lifespan resource 'it' has {option}={value!r}, "
        "which is not a number of seconds above 0\n"
        f'    {here}  lifespan_resource("it", registry=registry, **given)\n'
        f'Write: {option}=5.0, or {option}=float("inf") for no limit.'
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


A = StateKey[int]("a")
B = StateKey[int]("b")


@pytest.mark.parametrize(
    ("needs", "factory", "problem"),
    [
        pytest.param(
            (),
            takes_one,
            "nothing to a factory that takes (one: 'int', /) "
            "(missing a required{} argument: 'one')",
            id="one too few",
        ),
        pytest.param(
            (A, B),
            takes_one,
            "'a', 'b' to a factory that takes (one: 'int', /) "
            "(too many positional arguments)",
            id="one too many",
        ),
        pytest.param(
            (A,),
            generates,
            "'a' to a factory that takes () (too many positional arguments)",
            id="none expected",
        ),
        pytest.param(
            (A,),
            takes_a_name,
            "'a' to a factory that takes (*, name: 'int') "
            "(too many positional arguments)",
            id="by keyword only",
        ),
        pytest.param(
            (),
            Pool,
            "nothing to a factory that takes (one: 'int') "
            "(missing a required argument: 'one')",
            id="a class",
        ),
    ],
)
def test_refuses_needs_of_the_wrong_length(
    needs: Any, factory: Any, problem: str, registry: Registry
) -> None:
    """One need for each parameter; nothing is registered."""
    signature = inspect.signature(takes_one)
    with pytest.raises(TypeError) as told:
        signature.bind()
    # Newer Pythons say that the argument is positional-only.
    kind = " positional-only" if "positional-only" in str(told.value) else ""
    declare: Any = lifespan_resource

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare("it", needs=needs, registry=registry)(factory)

    assert str(caught.value) == (
        f"lifespan resource 'it' passes {problem.format(kind)}\n"
        f'    {here}  declare("it", needs=needs, registry=registry)(factory)\n'
        "Write one need in needs= for each parameter of the factory, in its order."
    )
    assert len(registry) == 0


def configured(factory: Any) -> Any:
    """A decorator that passes on what it brings."""

    @wraps(factory)
    def wrapped(*args: Any) -> Any:
        return factory("brought", *args)

    return wrapped


@configured
def takes_more(_brought: str, _one: int) -> Iterator[int]:
    yield 1


@configured
async def checks_more(_brought: str, _value: object) -> None: ...


def test_a_decorator_may_bring_arguments(registry: Registry) -> None:
    """To the factory, and to the health check."""
    declare: Any = lifespan_resource

    resource = declare("it", needs=(A,), registry=registry)(takes_more)
    resource.health(checks_more)

    assert resource.factory is takes_more
    assert resource.health_check is checks_more


@asynccontextmanager
async def manages_one(one: int) -> AsyncGenerator[int]:
    yield one


def test_the_helpers_of_contextlib_take_what_they_wrap(registry: Registry) -> None:
    """They bring nothing."""
    declare: Any = lifespan_resource

    with pytest.raises(InvalidDeclaration) as caught:
        declare("it", registry=registry)(manages_one)

    assert "passes nothing to a factory that takes (one: 'int')" in str(caught.value)


def test_refuses_what_cannot_be_called(registry: Registry) -> None:
    """A generator that was called already is the usual mistake."""
    given: Any = Client()

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        lifespan_resource("it", registry=registry)(given)

    assert str(caught.value) == (
        f"lifespan resource 'it' is made by {given!r}, which cannot be called\n"
        f'    {here}  lifespan_resource("it", registry=registry)(given)\n'
        "Decorate a function or a class:\n"
        '    @lifespan_resource("it")\n'
        "    async def it() -> AsyncGenerator[SomeType]:\n"
        "        async with ... as value:\n"
        "            yield value"
    )


def test_one_name_has_one_owner(registry: Registry) -> None:
    """A second resource of one name is refused; both places are named."""
    first_line = next_line()
    lifespan_resource("it", registry=registry)(Client)

    with pytest.raises(DuplicateName) as caught:
        second_line = next_line()
        lifespan_resource("it", registry=registry)(generates)

    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == (
        "the name 'it' on the lifespan state has two owners\n"
        f'    {first_line}  lifespan_resource("it", registry=registry)(Client)\n'
        f'    {second_line}  lifespan_resource("it", registry=registry)(generates)\n'
        "Rename one of them, or remove it: one name, one owner."
    )
    assert registry["it"].factory is Client


def test_a_builtin_without_a_signature_is_taken_as_it_is(registry: Registry) -> None:
    """What cannot be inspected cannot be checked."""
    made = lifespan_resource("it", needs=(A,), registry=registry)(iter)  # type: ignore[arg-type]

    assert registry["it"] is made


def test_refuses_a_registry_that_is_none() -> None:
    """A name, for example, of a registry that is somewhere else."""
    declare: Any = lifespan_resource

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare("it", registry="default")

    assert str(caught.value) == (
        "lifespan resource 'it' has registry='default', which is not a Registry\n"
        f'    {here}  declare("it", registry="default")\n'
        "Write: registry=Registry(), or leave it out for the default one."
    )


def test_refuses_an_option_that_there_is_not() -> None:
    """What is close is suggested, and all are named."""
    declare: Any = lifespan_resource

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare("it", start_timout=5)

    assert str(caught.value) == (
        "lifespan_resource() has no option 'start_timout'\n"
        f'    {here}  declare("it", start_timout=5)\n'
        "Did you mean 'start_timeout'? Known: needs, registry, "
        "start_timeout, stop_timeout, optional."
    )


def test_a_health_check_without_a_signature_is_taken_as_it_is(
    registry: Registry,
) -> None:
    """And named as far as it can be, where a second one is refused."""
    made = lifespan_resource("it", registry=registry)(generates)

    made.health(iter)  # type: ignore[arg-type]

    with pytest.raises(InvalidDeclaration) as caught:
        made.health(lambda _: True)
    assert made.health_check is iter
    assert str(caught.value).splitlines()[0] == (
        "the health check of lifespan resource 'it' has another, at builtins"
    )
