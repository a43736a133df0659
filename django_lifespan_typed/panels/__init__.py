"""The panel for django-debug-toolbar."""

from __future__ import annotations

try:
    from .panel import LifespanPanel
except ModuleNotFoundError as _error:
    if _error.name != "debug_toolbar":
        raise  # the toolbar is installed, and one of its dependencies is not
    raise ImportError(
        "django_lifespan_typed.panels needs django-debug-toolbar, which is not "
        "installed\nInstall it: pip install django-debug-toolbar, or remove "
        '"django_lifespan_typed.panels.LifespanPanel" from DEBUG_TOOLBAR_PANELS.'
    ) from _error

__all__ = ["LifespanPanel"]
