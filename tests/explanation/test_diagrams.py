"""The pictures are those of their sources."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from tests.test_import_direction import FLOORS, MODULES, PACKAGE

from . import diagrams, modules

PAGES: Final = diagrams.FOLDER.parent
PICTURES: Final = [*(path.with_suffix(".svg") for path in diagrams.sources())]
ANEW: Final = (
    "Draw it anew: make diagrams. Of the modules alone, without npm: "
    "make diagrams ARGS=modules"
)

_LABEL: Final = re.compile(
    r"^\s*(?:participant \w+ as|\w+-{1,2}[>x]{1,2}\w+:|[Nn]ote over [\w,]+:|"
    r"(?:alt|else|opt|loop) )(.*)$",
    re.MULTILINE,
)


@pytest.mark.parametrize("source", diagrams.sources(), ids=lambda path: path.stem)
def test_a_picture_is_of_its_source(source: Path) -> None:
    """It begins with a digest of all that it was drawn from."""
    svg = source.with_suffix(".svg").read_text("utf-8")

    assert svg.startswith(diagrams.stamp(source)), ANEW


@pytest.mark.parametrize("source", diagrams.sources(), ids=lambda path: path.stem)
def test_a_picture_shows_each_line_of_its_source(source: Path) -> None:
    """The digest was not put on another picture."""
    words = _words(source.with_suffix(".svg"))
    labels = [label.strip() for label in _LABEL.findall(source.read_text("utf-8"))]

    missing = [
        label
        for label in labels
        if _bare(unescape(label.replace("<br/>", ""))) not in words
    ]

    assert len(labels) > 10
    assert missing == [], ANEW


def test_the_picture_of_the_modules_is_that_of_the_imports() -> None:
    """Drawn again, it is the same."""
    picture = (diagrams.FOLDER / "modules.svg").read_text("utf-8")

    is_current = picture == modules.draw(diagrams.colours())

    assert is_current, ANEW


def test_every_module_and_every_import_is_in_the_picture() -> None:
    """What is left out is reached by another way."""
    table = modules.imports()

    edges = modules.direct(table)

    assert edges.keys() == FLOORS.keys()
    for module, others in table.items():
        assert others <= _reached(module, edges)
        assert all(FLOORS[other] < FLOORS[module] for other in edges[module])


def _reached(module: str, edges: dict[str, list[str]]) -> set[str]:
    below = set(edges[module])
    return below.union(*(_reached(other, edges) for other in edges[module]))


@pytest.mark.parametrize(
    "picture",
    [*PICTURES, diagrams.FOLDER / "modules.svg"],
    ids=lambda path: path.stem,
)
def test_a_picture_is_for_light_and_dark_and_asks_nobody(picture: Path) -> None:
    """Its style has both, and it loads nothing."""
    svg = picture.read_text("utf-8")
    pages = "".join(page.read_text("utf-8") for page in PAGES.glob("*.md"))

    assert diagrams.colours() in svg
    assert "@media (prefers-color-scheme: dark)" in svg
    addresses = set(re.findall(r"\w+://[^\"' )]+", svg))
    assert {address for address in addresses if "www.w3.org" not in address} == set()
    assert "<script" not in svg
    assert f"_diagrams/{picture.name})" in pages


def test_the_map_in_words_points_down() -> None:
    """The table of architecture.md: modules that are there, each row above the next."""
    page = (PAGES / "architecture.md").read_text("utf-8")
    table = page.partition("| what it is |")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([\w.]+)`", line) for line in table.splitlines()[2:]]
    row_of = {module: number for number, row in enumerate(rows) for module in row}

    assert row_of.keys() <= MODULES.keys() - {""}
    assert [
        f"{PACKAGE}.{module} imports {other}, which is in a row above"
        for module, others in modules.imports().items()
        for other in sorted(others)
        if row_of.get(other, len(rows)) < row_of.get(module, 0)
    ] == []


def _words(picture: Path) -> str:
    """All text of a picture, without its blanks."""
    root = ET.parse(picture).getroot()
    return _bare("".join(root.itertext()))


def _bare(text: str) -> str:
    return "".join(text.split()).replace("-", "")
