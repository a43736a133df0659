"""The page about moving: a site of the real django-asgi-lifespan, step by step."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.processes import Process, client, running

from .conftest import Site
from .pages import PROGRAMS, command, commands
from .sites import lay, serving

PAGE: Final = "moving"
RETIRED: Final = {"managers": "context.py", "signals": "handlers.py"}
SETTINGS: Final = "settings_end.py"

styles = pytest.mark.parametrize("style", RETIRED)


@pytest.fixture
def before(style: str, site: Site) -> Path:
    """The site, as it was written for django-asgi-lifespan."""
    return site(f"moving/{style}", start=None)


def serves(site: Path) -> None:
    """It opens, uses and closes its warehouse, and nothing complains."""
    with serving(PAGE, "uvicorn", site) as served:
        with client(served.port) as browser:
            answers = [browser.get("/stock") for _ in range(2)]
        served.process.end(signal.SIGTERM)

        assert [answer.text for answer in answers] == ["seven books"] * 2
        said = served.process.found("^the warehouse .*")
        assert said == ["the warehouse opens", "the warehouse closes"]
        assert served.wrong == [], served.process.output


def replaced(site: Path) -> None:
    """The first step, in the shell of the reader."""
    (line,) = (line for line in commands(PAGE) if line.startswith("grep"))
    subprocess.run(line, shell=True, cwd=site, check=True)


def made_resources(site: Path, style: str) -> None:
    """The third and fourth step: files as they are shown, and one that goes."""
    settings = site / "mysite" / "settings.py"
    ours = (PROGRAMS / "moving" / style / SETTINGS).read_text("utf-8")
    ours = ours.replace("django_asgi_lifespan", "django_lifespan_typed")
    text = settings.read_text("utf-8")
    assert text.endswith(f"\n{ours}")
    settings.write_text(text.removesuffix(f"\n{ours}"), "utf-8")
    lay("moving/after", site)
    (site / "shop" / RETIRED[style]).unlink()


def checked(site: Path, begins: str) -> Process:
    """A command of the page, which ends well."""
    with running(*command(PAGE, begins), folder=site) as process:
        assert process.wait() == 0, process.output
        return process


@styles
def test_the_site_runs_on_the_real_django_asgi_lifespan(before: Path) -> None:
    """Else there would be nothing to move from."""
    texts = [path.read_text("utf-8") for path in before.rglob("*.py")]

    assert any("from django_asgi_lifespan." in text for text in texts)
    assert not any("django_lifespan_typed" in text for text in texts)
    serves(before)


@styles
def test_the_site_runs_after_the_first_step(before: Path) -> None:
    """One search and replace, with nothing left of the name."""
    replaced(before)

    texts = [path.read_text("utf-8") for path in before.rglob("*.py")]
    assert not any("django_asgi_lifespan" in text for text in texts)
    serves(before)


@styles
def test_the_site_runs_after_the_second_step(before: Path) -> None:
    """With the app installed, it passes its checks."""
    replaced(before)
    with (before / "mysite" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write('INSTALLED_APPS += ["django_lifespan_typed"]\n')

    process = checked(before, "python manage.py check")

    assert "lifespan.E" not in process.output
    serves(before)


@styles
def test_the_site_runs_after_the_last_step(before: Path, style: str) -> None:
    """As a resource, which a command of ours can start and stop."""
    replaced(before)
    made_resources(before, style)

    process = checked(before, "python manage.py lifespan")

    assert "warehouse" in process.output
    assert process.found("^the warehouse .*") == [
        "the warehouse opens",
        "the warehouse closes",
    ]
    serves(before)


def test_both_styles_come_out_alike(bare: Path, tmp_path: Path) -> None:
    """The page shows one end for both."""
    ends: list[dict[str, str]] = []
    for style in RETIRED:
        site = tmp_path / style
        shutil.copytree(bare, site, ignore=shutil.ignore_patterns("__pycache__"))
        lay(f"moving/{style}", site)
        replaced(site)
        made_resources(site, style)
        ends.append(
            {
                str(path.relative_to(site)): path.read_text("utf-8")
                for path in site.rglob("*.py")
            }
        )

    assert ends[0] == ends[1]
