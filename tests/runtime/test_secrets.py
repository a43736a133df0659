"""Error pages show local variables: none of ours shows a value."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.views.debug import ExceptionReporter

from django_lifespan_typed import Registry, StateKey, get_state, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import serving

MISSING = StateKey[str]("missing")
# The page has the source, too.
SECRET = "hunter" + str(2)
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]


@pytest.mark.parametrize("how", ["get_state", "request.state"])
async def test_the_error_page_of_a_missing_key_shows_no_value(
    how: str, registry: Registry
) -> None:
    pages: list[str] = []

    @lifespan_resource("password", registry=registry)
    async def password() -> AsyncGenerator[str]:
        yield SECRET

    async def view(request: Any) -> HttpResponse:
        try:
            if how == "get_state":
                get_state(request, MISSING)
            else:
                request.state[MISSING]
        except KeyError:
            reporter = ExceptionReporter(request, *sys.exc_info())
            pages.append(reporter.get_traceback_html())
        return HttpResponse()

    with override_settings(ROOT_URLCONF=(path("", view),), MIDDLEWARE=MIDDLEWARE):
        async with serving(LifespanASGIHandler(registry), {}) as server:
            await server.request("/")

    assert "StateNotFound" in pages[0]
    assert SECRET not in pages[0]


def test_swapped_arguments_are_named() -> None:
    request: Any = HttpRequest()
    swapped: Any = get_state

    with pytest.raises(TypeError, match="swapped"):
        swapped(MISSING, request)
