"""Test tools."""

from __future__ import annotations

from typing import Any

from django.test import AsyncClient

from .types import State

__all__ = ["LifespanAwareAsyncClient"]


class LifespanAwareAsyncClient(AsyncClient):
    """
    Django's ``AsyncClient``, whose requests find *state* on their scope::

        client = LifespanAwareAsyncClient(state={"http": fake})

    Since Django 5.2, ``AsyncClient(state=...)`` would make it a header.
    """

    state: State

    def __init__(self, state: State, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.state = state

    def _base_scope(self, **request: Any) -> dict[str, Any]:
        parent: Any = super()  # django-stubs leaves this method out
        scope: dict[str, Any] = parent._base_scope(**request)
        scope["state"] = self.state
        return scope
