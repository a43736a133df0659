"""The Django app of the workshop."""

from __future__ import annotations

from django.apps import AppConfig


class WorkshopConfig(AppConfig):
    name = "workshop"

    def ready(self) -> None:
        from . import resources  # noqa: F401 - registers them
