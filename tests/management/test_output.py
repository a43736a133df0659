"""Colours, encodings and the width of the terminal."""

from __future__ import annotations

import re

import pytest

from django_lifespan_typed._declare.location import Location
from django_lifespan_typed._runtime.startup_times import startup_times
from django_lifespan_typed._runtime.status import ResourceStatus
from django_lifespan_typed.management.output import waterfall_lines

from .site import in_terminal, lifespan

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(("scene", "action"), [("shop", "show"), ("failing", "check")])
def test_colours_are_those_of_djangos_commands(scene: str, action: str) -> None:
    """In a terminal, not in a pipe; options may stand before or after the action."""
    coloured = in_terminal(scene, action)
    piped = lifespan(scene, action)
    forced = lifespan(scene, action, "--force-color")
    plain = in_terminal(scene, "--no-color", action)

    assert ESCAPE.search(coloured)
    assert ESCAPE.search(forced.out)
    assert "\x1b" not in piped.out + piped.err + plain
    if action == "show":
        assert ESCAPE.sub("", coloured) == piped.out


def test_an_output_without_unicode_gets_ascii() -> None:
    ran = lifespan("shop", "graph", PYTHONIOENCODING="ascii")

    assert ran.err == ""
    assert ran.out.splitlines()[:4] == [
        "search (optional)",
        "|-- catalogue",
        "|   |-- db",
        "|   `-- cache",
    ]


def test_the_waterfall_is_as_wide_as_the_terminal() -> None:
    written = in_terminal("shop", "check", "--no-color", columns=132)

    bars = [line for line in written.splitlines() if re.search("[█░]", line)]
    assert len(bars) == 4
    assert max(map(len, bars)) == 132


def _status(name: str, began: float, seconds: float, *needs: str) -> ResourceStatus:
    return ResourceStatus(
        name=name,
        phase="running",
        seconds=seconds,
        needs=needs,
        declared_at=Location("shop.py", 1, "shop"),
        error=None,
        began_after=began,
    )


def test_the_waterfall_is_drawn_to_scale() -> None:
    times = startup_times(
        [
            _status("db", 0, 0.010),
            _status("größe", 0, 0.005),
            _status("api", 0.010, 0.030, "db", "größe"),
            _status("last", 0.040, 0, "db"),
        ]
    )

    assert [line for line, _ in waterfall_lines(times, 60)] == [
        f"  größe  {'░' * 5}{' ' * 35}   5.0 ms",
        f"  db     {'█' * 10}{' ' * 30}  10.0 ms *",
        f"  api    {' ' * 10}{'█' * 30}  30.0 ms *",
        f"  last   {' ' * 39}░   0.0 ms",
    ]


def test_a_long_name_leaves_room_for_the_bars() -> None:
    times = startup_times([_status("a" * 50, 0, 0.010), _status("書" * 20, 0, 0.020)])

    wide = [line for line, _ in waterfall_lines(times, 60)]
    narrow = [line for line, _ in waterfall_lines(times, 10)]

    assert wide == [
        f"  {'a' * 19}…  {'░' * 12}{' ' * 13}  10.0 ms",
        f"  {'書' * 9}…   {'█' * 25}  20.0 ms *",
    ]
    assert [line.count("█") for line in narrow] == [0, 10]
