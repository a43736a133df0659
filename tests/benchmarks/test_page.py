"""The page on performance: it quotes what `make bench` wrote, and no other figure."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from . import peers, writing

TEXT = (writing.FOLDER.parent / writing.PAGE).read_text("utf-8")
BLOCKS = {match["name"]: match["body"] for match in writing.BLOCK.finditer(TEXT)}
PLOTS = re.findall(r"!\[[^]]+\]\(_performance/([\w-]+\.svg)\)", TEXT)
FILES = {path.name: path for path in writing.FOLDER.iterdir()}


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_each_block_is_the_file_that_the_benchmarks_wrote(name: str) -> None:
    """Nobody edits a figure on the page."""
    written = FILES[name].read_text("utf-8")

    assert BLOCKS[name] == f"\n{written}\n"


def test_the_page_shows_all_that_was_written() -> None:
    """No table and no plot is left out, nor lacking."""
    assert FILES.keys() == {*BLOCKS, *PLOTS, "results.json"}


def test_every_mark_of_a_block_belongs_to_one() -> None:
    """A misspelt mark would leave its figures behind when they are written anew."""
    marks = re.findall(r"^<!--.*-->$", TEXT, re.MULTILINE)

    assert len(marks) == 2 * len(BLOCKS)


def test_no_figure_is_written_by_hand() -> None:
    """What is said outside the blocks stays true whatever is measured."""
    by_hand = writing.BLOCK.sub("", TEXT)

    units = r"ns|[uµm]s|s|seconds|bytes|[kKM]i?B|MB|%|×|x|times|requests/s"
    assert re.findall(rf"\b\d[\d.,]*\s?(?:{units})(?!\w).*", by_hand) == []


def test_the_figures_are_of_a_full_run_with_every_peer() -> None:
    """A table that lacks a peer would say too little, and a quick run nothing."""
    data = json.loads(FILES["results.json"].read_text("utf-8"))

    assert [name for name in data["versions"] if not data["versions"][name]] == []
    assert list(data["versions"]) == peers.distributions()
    starts = {table["name"]: table for table in data["tables"]}["starts-chained"]
    assert [column["name"] for column in starts["columns"]] == [
        "N = 10",
        "N = 100",
        "N = 1,000",
    ]


@pytest.mark.parametrize("name", sorted(PLOTS))
def test_a_plot_can_be_read_on_light_and_dark(name: str) -> None:
    """No ground of its own, no black and no white ink; text stays text."""
    drawn = FILES[name].read_text("utf-8")
    inks = set(re.findall(r"(?:fill|stroke): ?(#[0-9a-f]{6})", drawn))

    assert "<text" in drawn
    assert {ink: _worst_contrast(ink) for ink in inks if _worst_contrast(ink) < 3} == {}


def test_the_plots_are_small() -> None:
    """They are read over the net."""
    assert [name for name in PLOTS if Path(FILES[name]).stat().st_size > 100_000] == []


def _worst_contrast(ink: str) -> float:
    """To white, or to the near-black of a dark page; as WCAG 2 has it."""
    mine, *grounds = (_luminance(each) for each in (ink, "#ffffff", "#0d1117"))
    return min(
        (max(mine, ground) + 0.05) / (min(mine, ground) + 0.05) for ground in grounds
    )


def _luminance(ink: str) -> float:
    parts = (int(ink[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return sum(
        share * part
        for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
