"""Sites of django-asgi-lifespan, after replacing the name of the import alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the site, in which one name was searched and replaced."""
    copy = tmp_path / "site"
    shutil.copytree(HERE / "sites" / request.param, copy)
    for path in copy.rglob("*.py"):
        text = path.read_text("utf-8")
        path.write_text(
            text.replace("django_asgi_lifespan", "django_lifespan_typed"), "utf-8"
        )
    return copy


@pytest.mark.parametrize("site", ["managers", "signals"], indirect=True)
def test_a_quick_start_works_after_one_replacement(site: Path) -> None:
    """It opens its client before it serves, uses it, and closes it after."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.compat.drive", "/book"],
        cwd=site,
        env={
            **{name: os.environ[name] for name in os.environ if "DJANGO" not in name},
            "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        },
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "opened",
        "lifespan.startup.complete",
        "Middlemarch",
        "closed",
        "lifespan.shutdown.complete",
    ]


@pytest.mark.parametrize("name", ["managers", "signals"])
def test_a_quick_start_is_written_against_the_other_package(name: str) -> None:
    """Else the replacement would prove nothing."""
    texts = [path.read_text("utf-8") for path in (HERE / "sites" / name).rglob("*.py")]

    assert any("from django_asgi_lifespan." in text for text in texts)
    assert not any("django_lifespan_typed" in text for text in texts)
