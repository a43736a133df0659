"""The one app of the scratch project."""

from __future__ import annotations

from django.apps import AppConfig


class MySiteConfig(AppConfig):
    name = "mysite"

    def ready(self) -> None:
        from . import lifespan  # noqa: F401 - declares the resources
