"""The page of architecture names modules that exist."""

from __future__ import annotations

import re
from pathlib import Path

import django_lifespan_typed
from tests.processes import ROOT

PAGE = ROOT / "docs" / "explanation" / "architecture.md"


def test_each_module_on_the_page_exists() -> None:
    package = Path(django_lifespan_typed.__file__).parent
    named = re.findall(r"`(_[a-z]+\.[a-z_]+)`", PAGE.read_text("utf-8"))

    assert len(named) > 10
    assert [
        name
        for name in named
        if not (package / f"{name.replace('.', '/')}.py").exists()
    ] == []
