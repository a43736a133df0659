"""The page on moving: a site of the real django-asgi-lifespan, step by step."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import commands
from tests.processes import client

from .conftest import Site
from .sites import HOW_TO, PROGRAMS, lay, run, serving

PAGE: Final = "moving.md"
REMOVED: Final = {"managers": "context.py", "signals": "handlers.py"}
OPENED_AND_CLOSED: Final = ["the warehouse opens", "the warehouse closes"]


def replace_the_name(site: Path) -> None:
    """The first step, in the reader's shell."""
    (line,) = (
        line
        for line in commands(HOW_TO / PAGE)
        if line.startswith("grep -rl --include")
    )
    subprocess.run(line, shell=True, cwd=site, check=True)


def install_the_app(site: Path) -> None:
    """The second step."""
    with (site / "mysite" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write('INSTALLED_APPS += ["django_lifespan_typed"]\n')


def declare_the_resource(site: Path, style: str) -> None:
    """The third and fourth step: new files, and one that goes."""
    settings = site / "mysite" / "settings.py"
    end = (PROGRAMS / "moving" / style / "settings_end.py").read_text("utf-8")
    end = "\n" + end.replace("django_asgi_lifespan", "django_lifespan_typed")
    text = settings.read_text("utf-8")
    assert text.endswith(end)
    settings.write_text(text.removesuffix(end), "utf-8")
    lay("moving/after", site)
    (site / "shop" / REMOVED[style]).unlink()


def serves_and_closes(site: Path) -> bool:
    """The site opens, uses and closes its warehouse without an error."""
    with serving(PAGE, "uvicorn", site) as served:
        with client(served.port) as browser:
            answers = [browser.get("/stock").text for _ in range(2)]
        served.process.end(signal.SIGTERM)
    assert "Traceback" not in served.process.output
    assert answers == ["seven books"] * 2
    return served.process.found("^the warehouse .*") == OPENED_AND_CLOSED


@pytest.mark.parametrize("style", REMOVED)
def test_the_site_works_after_each_step(style: str, site: Site) -> None:
    """It begins on the real django-asgi-lifespan, and ends with a resource."""
    folder = site(f"moving/{style}", start=None)
    assert serves_and_closes(folder)

    replace_the_name(folder)
    texts = [path.read_text("utf-8") for path in folder.rglob("*.py")]
    assert not any("django_asgi_lifespan" in text for text in texts)
    assert serves_and_closes(folder)

    install_the_app(folder)
    assert "lifespan.E" not in run(PAGE, "python manage.py check", folder).output
    assert serves_and_closes(folder)

    settings = folder / "mysite" / "settings.py"
    text = settings.read_text("utf-8")
    settings.write_text("".join(text.splitlines(keepends=True)[:-1]), "utf-8")
    declare_the_resource(folder, style)
    checked = run(PAGE, "python manage.py lifespan", folder)
    assert checked.found("^the warehouse .*") == OPENED_AND_CLOSED
    assert serves_and_closes(folder)
