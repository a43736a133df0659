"""The pictures of docs/explanation: ``make diagrams``."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from . import modules

FOLDER: Final = Path(__file__).parents[2] / "docs" / "explanation" / "_diagrams"

# Draws what is written in Mermaid; npm brings it, and Debian's Chromium runs it.
MERMAID: Final = "@mermaid-js/mermaid-cli@11.17.0"
CHROMIUM: Final = "/usr/bin/chromium"
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_STYLE: Final = re.compile(r"<style>.*?</style>", re.DOTALL)
_FONT: Final = re.compile(r" font-size: \d+px; font-weight: 400; font-family: [^;]*;")


def sources() -> list[Path]:
    """What is written in Mermaid."""
    return sorted(FOLDER.glob("*.mmd"))


def stamp(source: Path) -> str:
    """What the picture of *source* begins with: all that it was drawn from."""
    digest = hashlib.sha256()
    for path in (source, FOLDER / "mermaid.json", FOLDER / "colours.css"):
        digest.update(path.read_bytes())
    return f"<!-- {source.name}, drawn by make diagrams: {digest.hexdigest()} -->\n"


def draw_mermaid(source: Path) -> str:
    """The picture of *source*, in our colours, light and dark."""
    with tempfile.TemporaryDirectory() as folder:
        browser = Path(folder, "browser.json")
        browser.write_text(json.dumps({"executablePath": CHROMIUM, "args": FLAGS}))
        drawn = Path(folder, "drawn.svg")
        subprocess.run(
            [
                *("npm", "exec", "--yes", f"--package={MERMAID}", "--", "mmdc"),
                *("--quiet", "--puppeteerConfigFile", str(browser)),
                *("--configFile", str(FOLDER / "mermaid.json")),
                *("--backgroundColor", "transparent", "--svgId", source.stem),
                *("--input", str(source), "--output", str(drawn)),
            ],
            check=True,
            cwd=folder,
            env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"},
        )
        svg = drawn.read_text("utf-8")
    return stamp(source) + _in_our_colours(svg) + "\n"


def _in_our_colours(svg: str) -> str:
    # Mermaid's own colours are for one ground, and each text carries its font.
    style = f"<style>\n{colours()}</style>"
    svg = _STYLE.sub(lambda _: style, svg, count=1)
    svg = _FONT.sub("", svg).replace("background-color: transparent;", "")
    height = re.search(r' height="([\d.]+)"', svg)
    assert height is not None
    # Lifelines are drawn this long, whatever comes.
    return svg.replace('y2="2000"', f'y2="{height[1]}"')


def colours() -> str:
    """The one style of all pictures."""
    return (FOLDER / "colours.css").read_text("utf-8")


def main(*wanted: str) -> None:
    """Draw all of them anew, or those that are named."""
    for source in sources():
        if not wanted or source.stem in wanted:
            source.with_suffix(".svg").write_text(draw_mermaid(source), "utf-8")
            sys.stdout.write(f"{source.stem}.svg\n")
    if not wanted or "modules" in wanted:
        (FOLDER / "modules.svg").write_text(modules.draw(colours()), "utf-8")
        sys.stdout.write("modules.svg\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
