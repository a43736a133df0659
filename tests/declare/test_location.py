"""Location: lines of the user's code."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_lifespan_typed._declare.location import Location


def test_a_path_is_relative_below_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "db.py").write_text("import os\n\n  db = connect()  \n")
    location = Location(str(tmp_path / "db.py"), 3, "db")

    assert str(location) == f"{tmp_path}/db.py:3"
    monkeypatch.chdir(tmp_path)
    assert str(location) == "db.py:3"
    assert location.draw() == "    db.py:3  db = connect()"
