"""Without django-debug-toolbar."""

from __future__ import annotations

import subprocess
import sys

IMPORTING = """
import sys
sys.modules["debug_toolbar"] = None
import django_lifespan_typed.asgi, django_lifespan_typed.wsgi
import django_lifespan_typed.middleware, django_lifespan_typed.testing
assert "django_lifespan_typed._recorded" not in sys.modules
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
