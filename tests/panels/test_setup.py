"""Installing the panel."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.processes import LIMIT, ROOT, environment

from .test_panel import SETTINGS

HOW_TO = ROOT / "docs" / "how-to" / "debug-toolbar.md"

IMPORT_WITHOUT_TOOLBAR = """
import sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    def find_spec(self, name, *_):
        if name == "debug_toolbar":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
import django_lifespan_typed.asgi, django_lifespan_typed.wsgi
import django_lifespan_typed.middleware, django_lifespan_typed.testing
try:
    import django_lifespan_typed.panels
except ImportError as error:
    print(error)
"""

CHECK = """
import django; django.setup()
from debug_toolbar.toolbar import DebugToolbar
from django.core.management import call_command
call_command("check")
print([panel.panel_id for panel in DebugToolbar.get_panel_classes()][-1])
"""


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def test_only_the_panel_needs_the_toolbar() -> None:
    ran = python(IMPORT_WITHOUT_TOOLBAR)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (
        "django_lifespan_typed.panels needs django-debug-toolbar, which is not "
        "installed\n"
        "Install it: pip install django-debug-toolbar, or remove "
        '"django_lifespan_typed.panels.LifespanPanel" from DEBUG_TOOLBAR_PANELS.\n'
    )


def test_a_missing_dependency_of_the_toolbar_is_its_own_error(tmp_path: Path) -> None:
    toolbar = tmp_path / "debug_toolbar.py"
    toolbar.write_text("import a_dependency")

    ran = python("import django_lifespan_typed.panels", PYTHONPATH=f"{tmp_path}:{ROOT}")

    assert ran.returncode == 1
    assert ran.stderr.endswith("ModuleNotFoundError: No module named 'a_dependency'\n")
    assert "not installed" not in ran.stderr


def test_the_settings_of_the_how_to_work(tmp_path: Path) -> None:
    page = HOW_TO.read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    settings = tmp_path / "with_panel.py"
    settings.write_text(f"from {SETTINGS} import *\n{block}")

    ran = python(
        CHECK,
        DJANGO_SETTINGS_MODULE="with_panel",
        PYTHONPATH=f"{tmp_path}:{ROOT}",
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "LifespanPanel"
