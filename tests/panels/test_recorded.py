"""Watching requests that no server gave a state."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.middleware import LifespanStateMiddleware
from django_lifespan_typed.panels.recorded_state import Fetches, RecordedState, Watch

NUMBER = StateKey[int]("number")


@pytest.fixture
def registry(registry: Registry) -> Registry:
    """One resource, a number."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    return registry


def made(kind: str) -> Any:
    """A request as Django's test clients make it."""
    return (RequestFactory() if kind == "WSGI" else AsyncRequestFactory()).get("/")


def seen(fetches: Fetches) -> list[tuple[str, str | None, int]]:
    return [(name, kind, n) for (name, kind, _), n in fetches.counted().items()]


kinds = pytest.mark.parametrize("kind", ["WSGI", "ASGI"])


@kinds
async def test_a_request_without_state_is_watched_and_left_as_it_was(
    kind: str, registry: Registry
) -> None:
    """It reads the lifespan that runs, and has no more attributes than before."""
    request, fetches = made(kind), Fetches()
    before = dict(vars(request)), dict(getattr(request, "scope", {}))

    async with Lifespan(registry):
        watch = Watch(request, fetches)
        watch.begin()
        value = get_state(request, NUMBER)
        watch.end()
        watch.end()
        get_state(request, NUMBER)

    assert value == 7
    assert seen(fetches) == [("number", "int", 1)]
    assert (dict(vars(request)), dict(getattr(request, "scope", {}))) == before


@kinds
async def test_the_middleware_within_keeps_its_state(
    kind: str, registry: Registry
) -> None:
    """``request.state`` goes on working after the watch, unseen."""
    request, fetches = made(kind), Fetches()

    def view(request: Any) -> Any:
        return request.state[NUMBER]

    async with Lifespan(registry):
        watch = Watch(request, fetches)
        watch.begin()
        value: Any = LifespanStateMiddleware(view)(request)
        state = request.state
        watch.end()

        assert (value, request.state[NUMBER]) == (7, 7)
    assert request.state is state
    assert type(state._values) is dict
    assert seen(fetches) == [("number", "int", 1)]


@kinds
@pytest.mark.parametrize("make", [LifespanState, dict])
def test_a_state_that_a_test_has_set_is_what_is_fetched(kind: str, make: Any) -> None:
    """``get_state`` finds what it finds without the toolbar."""
    request, fetches = made(kind), Fetches()
    request.state = mine = make({"number": 8})

    watch = Watch(request, fetches)
    watch.begin()
    value = get_state(request, NUMBER)
    watch.end()

    assert value == get_state(request, NUMBER) == 8
    assert request.state is mine
    assert seen(fetches) == [("number", "int", 1)]


def test_a_state_of_another_kind_is_left_alone() -> None:
    """Other packages call something ``request.state`` too."""
    request: Any = HttpRequest()
    request.state = mine = object()

    watch = Watch(request, Fetches())
    watch.begin()
    watch.end()

    assert vars(request)["state"] is mine


def test_what_is_written_is_written_to_the_original() -> None:
    """By every way in which a dict is written to."""
    original: dict[str, Any] = {"a": 1, "b": 2, "c": 3}
    recorded = RecordedState(original, Fetches())

    recorded["d"] = 4
    del recorded["a"]
    recorded.update(e=5)
    recorded |= {"f": 6}
    taken = recorded.pop("b"), recorded.setdefault("g", 7)

    assert taken == (2, 7)
    assert original == {"c": 3, "d": 4, "e": 5, "f": 6, "g": 7}
    assert (type(recorded), recorded.data) == (RecordedState, original)


def test_a_copy_is_a_dict_of_its_own() -> None:
    """As servers make one for each request; all in it counts as fetched."""
    fetches = Fetches()
    original: dict[str, Any] = {"a": 1, "b": "2"}

    copied = RecordedState(original, fetches).copy()

    assert (type(copied), copied) == (dict, original)
    assert seen(fetches) == [("a", "int", 1), ("b", "str", 1)]


def test_merged_it_is_a_dict() -> None:
    """As the server's own is."""
    recorded: Any = RecordedState({"a": 1}, Fetches())

    assert (recorded | {"b": 2}, {"a": 0} | recorded) == ({"a": 1, "b": 2}, {"a": 1})
    assert {type(recorded | {}), type({} | recorded)} == {dict}


def test_what_is_missing_is_noted_where_there_is_a_default() -> None:
    """The default is given, and the name is shown as missing."""
    fetches = Fetches()
    recorded = RecordedState({"a": 1}, fetches)

    given = recorded.get("a", 2), recorded.get("b", 2), recorded.get("c")

    assert given == (1, 2, None)
    assert seen(fetches) == [("a", "int", 1), ("b", None, 1), ("c", None, 1)]


def test_a_state_of_the_server_is_put_back() -> None:
    """The same dict, with what was written to it."""
    request, fetches = made("ASGI"), Fetches()
    request.scope["state"] = own = {"number": 9}

    watch = Watch(request, fetches)
    watch.begin()
    value = get_state(request, NUMBER)
    request.scope["state"]["left"] = "by the view"
    watch.end()
    get_state(request, NUMBER)

    assert value == 9
    assert request.scope["state"] is own
    assert own == {"number": 9, "left": "by the view"}
    assert seen(fetches) == [("number", "int", 1)]


@kinds
def test_a_watch_that_has_begun_goes_on(kind: str) -> None:
    """Begun once more, it notes each fetch once, and ends as if begun once."""
    request, fetches = made(kind), Fetches()
    request.state = mine = LifespanState({"number": 8})

    watch = Watch(request, fetches)
    watch.begin()
    watch.begin()
    values = get_state(request, NUMBER), request.state[NUMBER]
    watch.end()

    assert values == (8, 8)
    assert seen(fetches) == [("number", "int", 2)]
    assert request.state is mine
    assert type(mine._values) is dict
