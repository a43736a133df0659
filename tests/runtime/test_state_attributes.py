"""``request.state.name`` instead of ``request.state["name"]``."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from django_lifespan_typed import LifespanState


@pytest.fixture
def state() -> Any:
    """A state, of any type: type checkers refuse what these tests do."""
    return LifespanState({"weather": "sunny"})


@pytest.mark.parametrize("name", ["weather", "unknown"])
def test_the_error_of_an_attribute_names_the_right_ways(state: Any, name: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(state, name)

    assert str(caught.value) == (
        f"the lifespan state has no attribute {name!r}: its values are items\n"
        f'Write: request.state["{name}"], or get_state(request, KEY)'
    )
    assert not hasattr(state, name)
    assert getattr(state, name, None) is None


def test_an_attribute_cannot_be_set(state: Any) -> None:
    with pytest.raises(AttributeError):
        state.weather = "rainy"

    assert dict(state) == {"weather": "sunny"}


def test_private_names_get_the_usual_error(state: Any) -> None:
    """Python and its libraries look them up on any object."""
    with pytest.raises(AttributeError, match=r"has no attribute '__wrapped__'$"):
        _ = state.__wrapped__


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_state_can_be_copied(state: Any, duplicate: Any) -> None:
    other = duplicate(state)
    other["weather"] = "rainy"

    assert (state["weather"], other["weather"]) == ("sunny", "rainy")
