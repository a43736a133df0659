"""``LifespanState``, as the mapping that it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from django_lifespan_typed import LifespanState, StateKey
from django_lifespan_typed.exceptions import StateNotFound

DB = StateKey[str]("db")


def test_what_is_not_there_cannot_be_deleted() -> None:
    """By the same error as where it is read, with what there is."""
    state = LifespanState({"db": "the db"})

    for key in "dbs", StateKey[str]("dbs"):
        with pytest.raises(StateNotFound) as caught:
            del state[key]
        assert str(caught.value) == (
            "no 'dbs' on this lifespan state\nDid you mean 'db'? It has: 'db'."
        )

    del state[DB]
    assert len(state) == 0


@pytest.mark.parametrize("key", [5, None, ("db",)])
def test_what_is_no_name_is_not_there(key: object) -> None:
    """As in any mapping."""
    state = LifespanState({"db": "the db"})
    anything: dict[object, object] = state  # type: ignore[assignment]

    assert key not in state
    assert anything.get(key, "default") == "default"
    with pytest.raises(KeyError, match="It has: 'db'"):
        anything[key]
    with pytest.raises(TypeError, match=r"names and keys, not .*\nWrite: state\[KEY\]"):
        state[key] = 1  # type: ignore[call-overload]
    assert repr(state) == "<LifespanState of 'db'>"


def test_a_copy_is_of_its_own() -> None:
    """Not a second view on what the process runs."""
    state = LifespanState({"db": "the db"})

    other = copy.copy(state)
    other[DB] = "another"

    assert type(other) is LifespanState
    assert (state[DB], other[DB]) == ("the db", "another")


def test_it_may_be_merged_as_a_dictionary() -> None:
    """As ``request.state`` was one; what comes out is another."""
    state = LifespanState({"db": "the db", "a": 1})

    assert state | {"a": 2} == {"db": "the db", "a": 2}
    assert {"a": 2, "b": 3} | state == {"db": "the db", "a": 1, "b": 3}
    assert state | state == dict(state)
    assert [*reversed(state)] == ["a", "db"]
    assert dict(state) == {"db": "the db", "a": 1}


def test_it_is_updated_in_its_place() -> None:
    """``request.state |= ...`` writes through, as ever."""
    values: dict[str, Any] = {"db": "the db"}
    state = same = LifespanState(values)

    state |= {"a": 1}

    assert state is same
    assert values == {"db": "the db", "a": 1}


def test_what_is_no_mapping_is_not_merged() -> None:
    """It may know better itself."""
    anything: Any = LifespanState({"db": "the db"})

    class Knows:
        def __ror__(self, other: object) -> str:
            return "merged"

    assert anything | Knows() == "merged"
    with pytest.raises(TypeError, match="unsupported operand"):
        anything | 5
    with pytest.raises(TypeError, match="unsupported operand"):
        5 | anything


def test_names_that_are_none_do_not_break_what_lists_them() -> None:
    """A server, or a test, may have put them there."""
    values: dict[Any, Any] = {"db": 1, int: 2, ("a", 1): 3}
    state = LifespanState(values)

    assert repr(state) == ("<LifespanState of ('a', 1), <class 'int'>, 'db'>")
    with pytest.raises(StateNotFound, match="Did you mean 'db'"):
        state["dbs"]
