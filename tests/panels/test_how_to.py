"""The page about the panel."""

from __future__ import annotations

import re
from pathlib import Path

from tests.processes import ROOT, running

PAGE = ROOT / "docs" / "how-to" / "debug-toolbar.md"


def test_its_settings_work(tmp_path: Path) -> None:
    """Django's checks, which load the panels, find nothing wrong with them."""
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    settings = f"from tests.panels.project.settings import *\n{block}"
    (tmp_path / "with_panel.py").write_text(settings)
    check = (
        "import django; django.setup()\n"
        "from debug_toolbar.toolbar import DebugToolbar\n"
        "from django.core.management import call_command\n"
        "call_command('check')\n"
        "print([panel.panel_id for panel in DebugToolbar.get_panel_classes()][-1])\n"
    )
    with running(
        *("-W", "error", "-c", check),
        folder=tmp_path,
        DJANGO_SETTINGS_MODULE="with_panel",
        PYTHONPATH=f"{tmp_path}:{ROOT}",
    ) as process:
        code = process.wait()

    assert (code, process.lines[-1]) == (0, "LifespanPanel"), process.output
