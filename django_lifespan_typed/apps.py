"""The Django app: imports ``lifespan.py`` of every installed app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from ._compat import override
from .checks import register_checks

if TYPE_CHECKING:
    # Only Django's stubs define it.
    from django.utils.functional import _StrOrPromise

__all__ = ["LifespanConfig"]


class LifespanConfig(AppConfig):
    """The app config of ``"django_lifespan_typed"`` in ``INSTALLED_APPS``."""

    name = "django_lifespan_typed"
    verbose_name: _StrOrPromise = "Lifespan"

    @override
    def ready(self) -> None:
        """Import ``lifespan.py`` of every installed app, and register the checks."""
        autodiscover_modules("lifespan")
        register_checks()
