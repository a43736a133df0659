"""The shop, as Django knows it."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        from . import resources  # noqa: F401 - declares them
