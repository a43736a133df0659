"""Django REST framework, whose requests are none of Django's."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory, override_settings
from django.urls import path

from django_lifespan_typed import Registry, StateKey, get_state
from django_lifespan_typed.wsgi import LifespanWSGIHandler
from tests.threads.conftest import Add, add

from .test_handler import at_exit, get

__all__ = ["add", "at_exit"]

DB = StateKey[str]("db")

urlpatterns: list[Any] = []


@pytest.fixture
def rest_framework() -> Generator[Any]:
    """The package, with no app installed of those that its defaults want."""
    from rest_framework import decorators

    none = {"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None}
    with override_settings(REST_FRAMEWORK=none, ROOT_URLCONF=__name__):
        yield decorators
    urlpatterns.clear()


def test_a_view_has_its_resources(
    registry: Registry, add: Add, rest_framework: Any
) -> None:
    """Under WSGI, where its request has no scope to pass on."""
    from rest_framework.response import Response

    add("db")

    @rest_framework.api_view(["GET"])
    def view(request: HttpRequest) -> Any:
        return Response({"db": get_state(request, DB)})

    urlpatterns.append(path("db", view))

    status, body = get(LifespanWSGIHandler(registry), "/db?format=json")

    assert (status, body) == ("200 OK", '{"db":"the db"}')


@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_the_state_of_the_request_is_its_state(factory: type[RequestFactory]) -> None:
    """Also where that differs from what runs, as in a test."""
    from rest_framework.request import Request

    request = factory().get("/")
    request.state = {"db": "fake"}  # type: ignore[attr-defined]

    assert get_state(Request(request), DB) == "fake"  # type: ignore[call-overload]
