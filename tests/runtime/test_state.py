"""LifespanState: a mapping by name and by key."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from django_lifespan_typed import LifespanState, StateKey
from django_lifespan_typed.exceptions import StateNotFound

DB = StateKey[str]("db")


@pytest.fixture
def values() -> dict[Any, Any]:
    return {"db": "the db"}


@pytest.fixture
def state(values: dict[Any, Any]) -> Any:
    """A state, of any type: type checkers refuse what these tests do."""
    return LifespanState(values)


@pytest.mark.parametrize("key", ["dbs", StateKey[str]("dbs")], ids=["name", "key"])
def test_a_missing_name_cannot_be_read_or_deleted(state: Any, key: Any) -> None:
    with pytest.raises(StateNotFound) as read:
        state[key]
    with pytest.raises(StateNotFound) as deleted:
        del state[key]

    assert str(read.value) == str(deleted.value)
    assert read.value.name == "dbs"
    assert "Did you mean 'db'?" in str(read.value)


@pytest.mark.parametrize("key", [5, None, ("db",)])
def test_only_names_and_keys_can_be_set(state: Any, key: object) -> None:
    assert key not in state
    assert state.get(key, "default") == "default"
    with pytest.raises(KeyError):
        state[key]
    with pytest.raises(TypeError, match=r"Write: state\[KEY\]"):
        state[key] = 1


def test_it_is_a_view_that_writes_through(state: Any, values: dict[Any, Any]) -> None:
    same = state
    state |= {"a": 1}
    del state[DB]

    assert state is same
    assert values == {"a": 1}


def test_its_operators_return_dictionaries(state: Any) -> None:
    """As those of the dictionary that ``request.state`` is without the middleware."""
    state["a"] = 1

    assert state | {"a": 2} == {"db": "the db", "a": 2}
    assert {"a": 2, "b": 3} | state == {"db": "the db", "a": 1, "b": 3}
    assert state | state == dict(state) == {"db": "the db", "a": 1}
    assert [*reversed(state)] == ["a", "db"]


def test_it_is_merged_with_mappings_only(state: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        state | 5
    with pytest.raises(TypeError, match="unsupported operand"):
        5 | state


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_has_its_own_values(state: Any, duplicate: Any) -> None:
    other = duplicate(state)
    other[DB] = "another"

    assert type(other) is LifespanState
    assert (state[DB], other[DB]) == ("the db", "another")


def test_it_shows_names_and_no_values(state: Any) -> None:
    assert repr(state) == "<LifespanState of 'db'>"


def test_foreign_names_do_not_break_messages() -> None:
    """A server may put other objects than strings into ``scope["state"]``."""
    foreign: dict[Any, Any] = {"db": 1, int: 2, ("a", 1): 3}
    state = LifespanState(foreign)

    assert "'db'" in repr(state)
    with pytest.raises(StateNotFound, match="Did you mean 'db'"):
        state["dbs"]


# --- request.state.name instead of request.state["name"]


@pytest.mark.parametrize("name", ["db", "unknown"])
def test_an_attribute_is_refused_with_the_right_ways_to_write_it(
    state: Any, name: str
) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(state, name)

    assert f'request.state["{name}"]' in str(caught.value)
    assert "get_state(request, KEY)" in str(caught.value)
    assert getattr(state, name, None) is None


def test_an_attribute_cannot_be_set(state: Any) -> None:
    with pytest.raises(AttributeError):
        state.db = "another"

    assert dict(state) == {"db": "the db"}
