"""Locations in test files, as error messages show them."""

from __future__ import annotations

from pathlib import Path


def drawn(file: str, marker: str) -> str:
    """Return the line of *file* that ends in *marker*, after its location."""
    path = Path(file)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    found = [
        f"    {shown}:{number}  {line.strip()}"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if line.endswith(marker)
    ]
    assert len(found) == 1, f"{marker!r} marks {len(found)} lines of {file}"
    return found[0]
