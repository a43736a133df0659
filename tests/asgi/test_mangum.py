"""Mangum (AWS Lambda), which starts and shuts down a lifespan for every call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from mangum import Mangum

from django_lifespan_typed import Registry, StateKey, get_state, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler

NUMBER = StateKey[int]("number")


async def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"async {get_state(request, NUMBER)}")


def sync_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"sync {get_state(request, NUMBER)}")


urlpatterns = [path("", view), path("sync", sync_view)]


@pytest.fixture(autouse=True)
def _loop_of_the_runtime() -> Generator[None]:
    """Mangum expects the main thread to have a loop, as on Lambda."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with override_settings(ROOT_URLCONF=__name__):
        yield
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


def event(path: str) -> dict[str, Any]:
    """Return a request of the API gateway (payload version 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "example.org"},
        "requestContext": {
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
            },
            "domainName": "example.org",
            "domainPrefix": "example",
        },
        "isBase64Encoded": False,
    }


def test_every_call_opens_and_closes(registry: Registry, journal: list[str]) -> None:
    calls = iter(range(1, 9))

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        call = next(calls)
        journal.append(f"+{call}")
        yield call
        journal.append(f"-{call}")

    serve = Mangum(LifespanASGIHandler(registry), lifespan="on")
    bodies = []
    for url in ("/", "/sync", "/"):
        answer = serve(event(url), {})
        bodies.append((answer["statusCode"], answer["body"]))
        journal.append("answered")

    assert bodies == [(200, "async 1"), (200, "sync 2"), (200, "async 3")]
    assert journal == [
        *("+1", "-1", "answered"),
        *("+2", "-2", "answered"),
        *("+3", "-3", "answered"),
    ]


def test_the_call_after_a_failed_startup_tries_again(
    registry: Registry, journal: list[str]
) -> None:
    failures = [RuntimeError("no route to host")]

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        journal.append("+")
        if failures:
            raise failures.pop()
        yield 7
        journal.append("-")

    serve = Mangum(LifespanASGIHandler(registry), lifespan="on")
    with pytest.raises(Exception) as caught:
        serve(event("/"), {})
    answer = serve(event("/"), {})

    assert "no route to host" in str(caught.value)
    assert (answer["statusCode"], answer["body"]) == (200, "async 7")
    assert journal == ["+", "+", "-"]
