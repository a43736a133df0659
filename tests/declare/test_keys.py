"""StateKey: name, type and location."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from django_lifespan_typed import StateKey
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


@pytest.mark.parametrize("name", ["", None, 1, b"it", ("it",)], ids=repr)
def test_a_name_is_a_non_empty_string(name: Any) -> None:
    with pytest.raises(TypeError) as caught:
        StateKey[int](name)

    assert str(caught.value) == (
        f"the name of a StateKey is a non-empty string, not {name!r}\n"
        'Write: KEY = StateKey[SomeType]("some_name")'
    )
