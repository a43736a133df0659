"""Recording the lookups of a request."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory

from django_lifespan_typed import (
    LifespanState,
    StateKey,
    get_state,
)
from django_lifespan_typed.panels.recording import (
    Lookups,
    RecordedState,
    record_lookups,
)

NUMBER = StateKey[int]("number")


def new_request(kind: str) -> Any:
    return (RequestFactory() if kind == "WSGI" else AsyncRequestFactory()).get("/")


def seen(lookups: Lookups) -> list[tuple[str, str | None, int]]:
    return [(name, kind, n) for (name, kind, _), n in lookups.counts().items()]


@pytest.mark.parametrize("kind", ["WSGI", "ASGI"])
@pytest.mark.parametrize("make", [LifespanState, dict])
def test_a_state_that_a_test_sets_is_used(kind: str, make: Any) -> None:
    request, lookups = new_request(kind), Lookups()
    request.state = make({"number": 8})

    record_lookups(request, lookups)

    assert get_state(request, NUMBER) == 8
    assert seen(lookups) == [("number", "int", 1)]


def test_the_state_of_the_server_is_read_and_written() -> None:
    request, lookups = new_request("ASGI"), Lookups()
    request.scope["state"] = original = {"number": 9}

    record_lookups(request, lookups)
    value = get_state(request, NUMBER)
    request.scope["state"]["written"] = "by the view"

    assert value == 9
    assert original == {"number": 9, "written": "by the view"}
    assert seen(lookups) == [("number", "int", 1)]


def test_a_request_state_of_another_package_is_left_alone() -> None:
    request: Any = HttpRequest()
    request.state = theirs = object()

    record_lookups(request, Lookups())

    assert request.state is theirs


def test_a_recorded_state_writes_to_the_original_and_its_copies_do_not() -> None:
    original: dict[str, Any] = {"a": 1, "b": 2, "c": 3}
    lookups = Lookups()
    recorded = RecordedState(original, lookups)

    recorded["d"] = 4
    del recorded["a"]
    recorded.update(e=5)
    recorded |= {"f": 6}

    assert recorded.pop("b") == 2
    assert recorded.setdefault("g", 7) == 7
    assert original == {"c": 3, "d": 4, "e": 5, "f": 6, "g": 7}
    assert (type(recorded), recorded.data) == (RecordedState, original)
    copies: list[Any] = [recorded.copy(), recorded | {"c": 0}, {"c": 0} | recorded]
    assert copies == [original, {**original, "c": 0}, original]
    assert {type(each) for each in copies} == {dict}
    assert (recorded.get("c", 0), recorded.get("z", 0)) == (3, 0)
    assert seen(lookups)[-2:] == [("c", "int", 1), ("z", None, 1)]
