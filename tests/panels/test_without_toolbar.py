"""Without django-debug-toolbar."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.processes import LIMIT, ROOT, environment

IMPORTING = """
import sys
sys.modules["debug_toolbar"] = None
import django_lifespan_typed.asgi, django_lifespan_typed.wsgi
import django_lifespan_typed.middleware, django_lifespan_typed.testing
assert "django_lifespan_typed.panels.recorded_state" not in sys.modules
try:
    import django_lifespan_typed.panels
except ImportError as error:
    print(error)
"""


def test_only_the_panel_needs_it_and_says_what_to_install() -> None:
    """Nothing else imports it, or what the panel is made of."""
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTING], capture_output=True, check=False, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (
        "django_lifespan_typed.panels is a panel for django-debug-toolbar, which is "
        "not installed\n"
        "Install it: pip install django-debug-toolbar, or take "
        '"django_lifespan_typed.panels.LifespanPanel" out of DEBUG_TOOLBAR_PANELS.\n'
    )


def test_what_the_toolbar_itself_misses_is_not_blamed_on_us(tmp_path: Path) -> None:
    """It is installed: to install it is no help, and the error is its own."""
    broken = tmp_path / "debug_toolbar"
    broken.mkdir()
    (broken / "__init__.py").touch()
    (broken / "panels.py").write_text("import what_it_needs")

    ran = subprocess.run(
        [sys.executable, "-c", "import django_lifespan_typed.panels"],
        env=environment(PYTHONPATH=f"{tmp_path}:{ROOT}"),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )

    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: No module named 'what_it_needs'"
    )
    assert "not installed" not in ran.stderr
