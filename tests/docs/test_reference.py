"""The reference: every public name and every setting."""

from __future__ import annotations

import ast
import re
import runpy
import zlib
from pathlib import Path
from typing import Final

import pytest

import django_lifespan_typed
from django_lifespan_typed._settings import LifespanSettings

from .pages import DOCS

SETTINGS: Final = DOCS / "reference" / "settings.md"


def exported(module: Path) -> list[str]:
    """Read ``__all__`` without an import, because some modules need an app."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def public_names() -> list[str]:
    """List each dotted name that a module without an underscore exports."""
    found = []
    folder = Path(django_lifespan_typed.__file__).parent
    for module in sorted(folder.glob("**/*.py")):
        parts = module.relative_to(folder.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not any(part.startswith("_") for part in parts):
            found += [".".join([*parts, name]) for name in exported(module)]
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_public_name_is_documented(html: Path) -> None:
    # Four lines of header; then a name, its kind and more on each line.
    packed = (html / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(packed).decode().splitlines()
    documented = {
        name for name, kind, *_ in map(str.split, lines) if kind.startswith("py:")
    }

    assert len(public_names()) > 50
    assert [name for name in public_names() if name not in documented] == []


def test_each_setting_is_documented_with_its_default() -> None:
    text = SETTINGS.read_text("utf-8")
    names = re.findall(r"^## ([A-Z_]+)\n\nDefault: `(.+?)`\. ", text, re.MULTILINE)
    shown = runpy.run_path(str(SETTINGS.with_name("settings_default.py")))["LIFESPAN"]
    defaults = LifespanSettings()._asdict()

    assert list(shown.items()) == list(defaults.items())
    assert [(name, ast.literal_eval(shown_as)) for name, shown_as in names] == [
        *shown.items()
    ]
