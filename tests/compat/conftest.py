"""Fixtures and a view for the tests that compare with django-asgi-lifespan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, JsonResponse
from django.test import override_settings
from django.urls import path


async def names(request: HttpRequest) -> JsonResponse:
    """The names on the request's state, before it writes one."""
    state: Any = request.state  # type: ignore[attr-defined]
    found = sorted(state)
    state["written"] = True
    return JsonResponse(found, safe=False)


urlpatterns: list[Any] = [path("names", names)]


@pytest.fixture(autouse=True)
def _site(default_registry: object) -> Iterator[None]:
    """A site with this view, and nothing registered."""
    with override_settings(ROOT_URLCONF=__name__):
        yield
