"""Keys: a name, a place and a type."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from django_lifespan_typed import StateKey

from .probes import next_line


class Client(Protocol):
    """A type that a key may have."""


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(StateKey[int]("it"), int, id="class"),
        pytest.param(StateKey["int | None"]("it"), "int | None", id="written as text"),
        pytest.param(StateKey[Client]("it"), Client, id="protocol"),
        pytest.param(StateKey[list[int]]("it"), list[int], id="generic"),
        pytest.param(StateKey[None]("it"), type(None), id="none"),
        pytest.param(StateKey[Any]("it"), Any, id="any"),
    ],
)
def test_knows_its_type(key: StateKey[Any], expected: object) -> None:
    """What it was subscripted with."""
    found = key.value_type

    assert getattr(found, "__forward_arg__", found) == expected


def test_has_no_type_where_it_was_given_none() -> None:
    """Without a subscript there is nothing to check."""
    key: StateKey[Any] = StateKey("it")

    assert key.value_type is None


def test_knows_where_it_was_made() -> None:
    """Its module, its name and its line."""
    here = next_line()
    key = StateKey[int]("it")

    assert key.name == "it"
    assert key.module == __name__
    assert str(key.declared_at) == here
    assert key.declared_at.draw() == f'    {here}  key = StateKey[int]("it")'


def test_its_repr_names_its_module() -> None:
    """So that two keys of one name are told apart in a log."""
    key = StateKey[int]("it")

    assert repr(key) == "<StateKey 'it' from tests.core.test_keys>"


def test_keys_of_one_name_are_two_keys() -> None:
    """They may be kept in sets and dictionaries; each is equal to itself alone."""
    one, two = StateKey[int]("it"), StateKey[int]("it")

    assert one != two
    assert {one: 1, two: 2} == {two: 2, one: 1}


@pytest.mark.parametrize("name", ["", None, 1, b"it", ("it",)], ids=repr)
def test_refuses_what_is_no_name(name: Any) -> None:
    """The error says what to write instead."""
    with pytest.raises(TypeError) as caught:
        StateKey[int](name)

    assert str(caught.value) == (
        f"the name of a StateKey is a non-empty string, not {name!r}\n"
        'Write: KEY = StateKey[SomeType]("some_name")'
    )
