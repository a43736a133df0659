"""The one app of the site."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    name = "shop"

    def ready(self) -> None:
        from . import lifespan  # noqa: F401 - declares the resources
