"""StateKey: name, type and location."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol

import pytest

from django_lifespan_typed import Registry, StateKey, lifespan_resource
from django_lifespan_typed._declare.keys import wrong_key
from django_lifespan_typed._declare.location import location_of
from tests.runtime.probes import next_line


class Client(Protocol): ...


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(StateKey[int]("it"), int, id="class"),
        pytest.param(StateKey["int | None"]("it"), "int | None", id="text"),
        pytest.param(StateKey[Client]("it"), Client, id="protocol"),
        pytest.param(StateKey[list[int]]("it"), list[int], id="generic"),
        pytest.param(StateKey[None]("it"), type(None), id="none"),
        pytest.param(StateKey[Any]("it"), Any, id="any"),
        pytest.param(StateKey("it"), None, id="without a type"),
    ],
)
def test_a_key_knows_its_type(key: StateKey[Any], expected: object) -> None:
    found = key.value_type

    assert getattr(found, "__forward_arg__", found) == expected


def test_a_key_knows_where_it_was_created() -> None:
    here = next_line()
    key = StateKey[int]("it")

    assert (key.name, key.module) == ("it", __name__)
    assert str(key.declared_at) == here
    assert key.declared_at.draw() == f'    {here}  key = StateKey[int]("it")'
    assert repr(key) == f"<StateKey 'it' from {__name__}>"


def test_keys_of_one_name_are_not_equal() -> None:
    one, two = StateKey[int]("it"), StateKey[int]("it")

    assert one != two
    assert {one: 1, two: 2} == {two: 2, one: 1}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("", "an empty string"),
        (None, "None"),
        (b"hunter2", "an object of type bytes"),
        (("it",), "an object of type tuple"),
    ],
)
def test_a_name_is_a_non_empty_string(name: Any, given: str) -> None:
    with pytest.raises(TypeError) as caught:
        StateKey[int](name)

    assert str(caught.value) == (
        f"the name of a StateKey is a non-empty string, not {given}\n"
        'Write: KEY = StateKey[SomeType]("some_name")'
    )


# --- Something else in place of a key

DECORATE = "Decorate it, @lifespan_resource(...), or use the resource that it makes."
WRITE_KEY = 'Write: KEY = StateKey[SomeType]("some_name"), or use the resource.'


async def generates() -> AsyncGenerator[int]:
    yield 1


def test_a_decorator_above_a_resource_is_named(registry: Registry) -> None:
    resource: Any = lifespan_resource("client", registry=registry)(generates)

    for wrapped in (asynccontextmanager(resource), contextmanager(resource)):
        assert wrong_key(wrapped) == (
            "a function that a decorator above @lifespan_resource made of 'client'\n"
            f"{resource.declared_at.draw()}\n"
            "Write @lifespan_resource above the other decorators, and leave out "
            "@asynccontextmanager."
        )


@pytest.mark.parametrize(
    ("given", "described"),
    [
        (None, f"None\n{WRITE_KEY}"),
        ("hunter2", f"an object of type str\n{WRITE_KEY}"),
        (StateKey, f"the class StateKey itself\n{WRITE_KEY}"),
        (
            generates,
            (f"the function generates\n{location_of(generates).draw()}\n{DECORATE}"),
        ),
        (
            Client,
            (f"the class Client\n    {__name__}\n{DECORATE}"),
        ),
    ],
    ids=["none", "text", "the class itself", "function", "class"],
)
def test_what_is_no_key_is_described_by_type_and_name(
    given: object, described: str
) -> None:
    assert wrong_key(given) == described


def test_a_function_that_wraps_itself_is_described() -> None:
    def loops() -> None: ...

    loops.__wrapped__ = loops  # type: ignore[attr-defined]

    assert wrong_key(loops).startswith("the function ")
