"""``LifespanState``, as the mapping that it is."""

from __future__ import annotations

import copy

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
