"""The picture of the modules: each on its floor, with what it imports."""

from __future__ import annotations

from html import escape
from typing import Final

from tests.test_import_direction import FLOORS, MODULES, _imported

WIDTH: Final = 900
LEFT: Final = 44
BOX: Final = 24
LETTER: Final = 7.2
PADDING: Final = 14
GAP: Final = 10
LINE: Final = 34
BETWEEN: Final = 40


def imports() -> dict[str, set[str]]:
    """What each module imports of the package."""
    return {
        module: {other for other, _ in _imported(module, path)} - {"", module}
        for module, path in MODULES.items()
        if module
    }


def direct(table: dict[str, set[str]]) -> dict[str, list[str]]:
    """The imports less those that another import brings along anyhow."""
    reached: dict[str, set[str]] = {}
    for module in sorted(table, key=lambda name: FLOORS[name]):
        below = table[module]
        reached[module] = below.union(*(reached[other] for other in below))
    return {
        module: sorted(
            other
            for other in below
            if not any(other in reached[between] for between in below)
        )
        for module, below in table.items()
    }


def draw(colours: str) -> str:
    """An SVG, the same for the same modules."""
    edges = direct(imports())
    rows = _ordered(edges)
    places, floors, height = _placed(rows)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
            'aria-labelledby="title">'
        ),
        "<!-- drawn by make diagrams, from tests/test_import_direction.py -->",
        '<title id="title">The modules by floor, and what they import</title>',
        f"<style>\n{colours}</style>",
    ]
    for floor, y in floors.items():
        parts.append(f'<line class="floor" x1="0" y1="{y}" x2="{WIDTH}" y2="{y}"/>')
        parts.append(f'<text x="10" y="{y - 12}">{floor}</text>')
    for module, others in sorted(edges.items()):
        x, y, _ = places[module]
        for other in others:
            to_x, to_y, _ = places[other]
            start, end = y + BOX, to_y
            bend = (end - start) / 2
            parts.append(
                f'<path class="import" d="M{x:g} {start:g}C{x:g} {start + bend:g} '
                f'{to_x:g} {end - bend:g} {to_x:g} {end:g}"/>'
            )
    for module, (x, y, width) in sorted(places.items()):
        public = not any(part.startswith("_") for part in module.split("."))
        kind = "module public" if public else "module"
        parts.append(
            f'<g class="{kind}">'
            f'<rect x="{x - width / 2:g}" y="{y:g}" width="{width:g}" '
            f'height="{BOX}" rx="4"/>'
            f'<text x="{x:g}" y="{y + 16:g}" text-anchor="middle" font-size="12">'
            f"{escape(module)}</text></g>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _ordered(edges: dict[str, list[str]]) -> dict[int, list[str]]:
    """The modules of each floor, each near to those that it is joined with."""
    rows: dict[int, list[str]] = {}
    for module in sorted(edges):
        rows.setdefault(FLOORS[module], []).append(module)
    joined: dict[str, list[str]] = {module: [*edges[module]] for module in edges}
    for module, others in edges.items():
        for other in others:
            joined[other].append(module)
    for _ in range(12):
        at = {
            module: (index + 0.5) / len(row)
            for row in rows.values()
            for index, module in enumerate(row)
        }
        for row in rows.values():
            row.sort(
                key=lambda module: (
                    sum(at[other] for other in joined[module])
                    / (len(joined[module]) or 1)
                    if joined[module]
                    else 1,
                    module,
                )
            )
    return rows


def _placed(
    rows: dict[int, list[str]],
) -> tuple[dict[str, tuple[float, float, float]], dict[int, int], int]:
    """Centre, top and width of each module; the ground of each floor; the height."""
    places: dict[str, tuple[float, float, float]] = {}
    floors: dict[int, int] = {}
    y = 12
    for floor in sorted(rows, reverse=True):
        lines: list[list[tuple[str, float]]] = [[]]
        for module in rows[floor]:
            width = len(module) * LETTER + PADDING
            if sum(w + GAP for _, w in lines[-1]) + width > WIDTH - LEFT:
                lines.append([])
            lines[-1].append((module, width))
        for line in lines:
            room = WIDTH - LEFT - sum(width for _, width in line)
            gap = room / (len(line) + 1)
            x = LEFT + gap
            for module, width in line:
                places[module] = (round(x + width / 2, 1), y, round(width, 1))
                x += width + gap
            y += LINE
        floors[floor] = y
        y += BETWEEN - LINE + BOX
    return places, floors, y - BETWEEN + LINE
