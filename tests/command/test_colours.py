"""Colours, and the columns of the terminal."""

from __future__ import annotations

import re

import pytest

from .site import in_terminal, lifespan

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

actions = pytest.mark.parametrize(
    ("app", "arguments"),
    [
        ("shop", ("show",)),
        ("shop", ("check",)),
        ("shop", ("graph",)),
        ("failing", ("check",)),
    ],
    ids=["show", "check", "graph", "failed check"],
)


@actions
def test_a_terminal_has_colours(app: str, arguments: tuple[str, ...]) -> None:
    """Those of Django's style, which change no letter."""
    _, coloured = in_terminal(app, *arguments)

    assert ESCAPE.search(coloured)
    if arguments != ("check",):  # which has other numbers each time
        assert ESCAPE.sub("", coloured) == lifespan(app, *arguments).out


@actions
def test_no_color_is_obeyed(app: str, arguments: tuple[str, ...]) -> None:
    """After the action as well as before it."""
    _, after = in_terminal(app, *arguments, "--no-color")
    _, before = in_terminal(app, "--no-color", *arguments)

    assert "\x1b" not in after + before


@actions
def test_a_pipe_has_none(app: str, arguments: tuple[str, ...]) -> None:
    """Neither on stdout nor on stderr."""
    ran = lifespan(app, *arguments)

    assert "\x1b" not in ran.out + ran.err


@actions
def test_force_color_is_obeyed_in_a_pipe(app: str, arguments: tuple[str, ...]) -> None:
    """As Django's own commands do."""
    ran = lifespan(app, *arguments, "--force-color")

    assert ESCAPE.search(ran.out)


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_what_a_program_reads_has_none(form: str) -> None:
    """Whatever is forced."""
    ran = lifespan("shop", "graph", "--format", form, "--force-color")

    assert "\x1b" not in ran.out


@pytest.mark.parametrize("columns", [60, 132])
def test_the_waterfall_is_as_wide_as_the_terminal(columns: int) -> None:
    """Its longest line ends at the right edge."""
    code, written = in_terminal("shop", "check", "--no-color", columns=columns)

    assert code == 0, written
    bars = [line for line in written.splitlines() if re.search("[█░]", line)]
    assert len(bars) == 4
    assert max(map(len, bars)) == columns
