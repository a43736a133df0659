"""Location: lines of the user's code."""

from __future__ import annotations

from functools import partial, wraps
from pathlib import Path

import pytest

from django_lifespan_typed._declare.location import Location, location_of


def function() -> None: ...


@wraps(function)
def wrapper() -> None: ...


@pytest.mark.parametrize("given", [function, partial(function), wrapper])
def test_a_function_is_located_by_its_definition(given: object) -> None:
    found = location_of(given)

    assert (found.file, found.module) == (__file__, __name__)
    assert found.line == function.__code__.co_firstlineno


def test_a_builtin_is_located_by_its_module() -> None:
    assert str(location_of(iter)) == "builtins"


def test_a_path_is_relative_below_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "db.py").write_text("import os\n\n  db = connect()  \n")
    location = Location(str(tmp_path / "db.py"), 3, "db")

    assert str(location) == f"{tmp_path}/db.py:3"
    monkeypatch.chdir(tmp_path)
    assert str(location) == "db.py:3"
    assert location.draw() == "    db.py:3  db = connect()"
