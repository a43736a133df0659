"""Startup times and the critical path."""

from __future__ import annotations

import pytest

from django_lifespan_typed._declare.location import Location
from django_lifespan_typed._runtime.run_log import critical_path
from django_lifespan_typed._runtime.startup_times import startup_times
from django_lifespan_typed._runtime.status import ResourceStatus

NEEDS = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "alone": ()}


@pytest.mark.parametrize(
    ("finished", "path"),
    [
        ({}, []),
        ({"a": 1.0, "b": 3.0, "c": 2.0, "d": 4.0}, ["a", "b", "d"]),
        ({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, ["a", "c", "d"]),
        ({"a": 1.0, "alone": 5.0}, ["alone"]),
        ({"b": 1.0}, ["b"]),
    ],
    ids=["nothing", "through b", "through c", "independent", "overridden dependency"],
)
def test_the_critical_path_leads_to_the_last_resource(
    finished: dict[str, float], path: list[str]
) -> None:
    assert critical_path(finished, NEEDS) == path


def _status(name: str, began: float | None, seconds: float | None) -> ResourceStatus:
    return ResourceStatus(
        name=name,
        phase="running",
        seconds=seconds,
        needs=NEEDS[name],
        declared_at=Location("shop.py", 1, "shop"),
        error=None,
        began_after=began,
    )


def test_startup_times_are_those_of_started_resources_earliest_first() -> None:
    times = startup_times(
        [_status("b", 1, 2), _status("a", 0, 1), _status("alone", 0, None)]
    )

    assert [(time.status.name, time.end, time.is_critical) for time in times] == [
        ("a", 1, True),
        ("b", 3, True),
    ]
