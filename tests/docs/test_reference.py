"""The reference: complete, and true."""

from __future__ import annotations

import ast
import re
import runpy
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Final

import pytest

import django_lifespan_typed
from django_lifespan_typed._settings import LifespanSettings
from tests.processes import ROOT

from .pages import DOCS, blocks

README: Final = ROOT / "README.md"
SETTINGS: Final = DOCS / "reference" / "settings.md"


def exported(module: Path) -> list[str]:
    """Its ``__all__``, read and not imported: some modules need their app."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return []


def public_names() -> list[str]:
    """Each dotted name that a module without an underscore exports."""
    found = []
    # Of what is installed: the matrix has no source of it.
    folder = Path(django_lifespan_typed.__file__).parent
    for module in sorted(folder.glob("**/*.py")):
        parts = module.relative_to(folder.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not any(part.startswith("_") for part in parts):
            found += [".".join([*parts, name]) for name in exported(module)]
    return found


@pytest.mark.timeout(300)
def test_every_public_name_is_documented(html: Path) -> None:
    """In the built reference, under the name that one imports it by."""
    # Four lines that say what it is; then a name, its kind and more on each line.
    packed = (html / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(packed).decode().splitlines()
    documented = {
        name for name, kind, *_ in map(str.split, lines) if kind.startswith("py:")
    }

    assert len(public_names()) > 60
    assert [name for name in public_names() if name not in documented] == []


def test_the_settings_are_those_that_are_read() -> None:
    """Each has its heading, in order, and the defaults are shown as they are."""
    text = SETTINGS.read_text("utf-8")
    names = re.findall(r"^## ([A-Z_]+)\n\n(\S+)\. ", text, re.MULTILINE)
    shown = runpy.run_path(str(SETTINGS.with_name("settings_default.py")))["LIFESPAN"]
    defaults = asdict(LifespanSettings())

    assert shown == defaults
    assert list(shown) == list(defaults)
    assert names == [(name, str(shown[name])) for name in defaults]


def test_the_readme_has_the_same_settings() -> None:
    """What it shows is what holds without it."""
    (block,) = [block for block in blocks(README) if "LIFESPAN = {" in block.body]
    shown: dict[str, object] = {}
    exec(block.body, shown)

    assert shown["LIFESPAN"] == asdict(LifespanSettings())
