"""Views that look up resources; tests find a line by the comment at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from debug_toolbar.toolbar import debug_toolbar_urls
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from django_lifespan_typed import StateKey, get_state

from .lifespan import MARKED, NOWHERE, lamp, shelf

PAGE = "<html><head></head><body>a page</body></html>"


def wants_toolbar(request: HttpRequest) -> bool:
    return "off" not in request.GET


def sync_only(get_response: Callable[[HttpRequest], Any]) -> Callable[..., Any]:
    def middleware(request: HttpRequest) -> Any:
        return get_response(request)

    return middleware


async def async_view(request: HttpRequest) -> HttpResponse:
    get_state(request, shelf)  # async once
    for _ in range(2):
        get_state(request, lamp)  # async twice
    get_state(request, NOWHERE, None)  # async missing
    return HttpResponse(PAGE)


def sync_view(request: HttpRequest) -> HttpResponse:
    get_state(request, shelf)  # sync once
    for _ in range(2):
        get_state(request, lamp)  # sync twice
    get_state(request, NOWHERE, None)  # sync missing
    return HttpResponse(PAGE)


def state_view(request: Any) -> HttpResponse:
    request.state[shelf]  # state by key
    request.state["lamp"]  # state by name
    request.state.get(NOWHERE)  # state get
    request.state.pop("lamp")  # state pop
    assert shelf in request.state
    return JsonResponse({})


def removed_view(request: Any) -> HttpResponse:
    del request.state["shelf"]
    get_state(request, shelf)  # removed
    return JsonResponse({})


def marked_view(request: HttpRequest) -> HttpResponse:
    get_state(request, MARKED)
    return HttpResponse(PAGE)


def nothing_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


both_have_begun = asyncio.Event()
begun: set[str] = set()


async def concurrent_view(request: HttpRequest, name: str) -> HttpResponse:
    """Two requests: each continues when both have looked up a resource."""
    get_state(request, StateKey[object](name))  # concurrent before
    begun.add(name)
    if len(begun) == 2:
        both_have_begun.set()
    await both_have_begun.wait()
    get_state(request, StateKey[object](name))  # concurrent after
    return JsonResponse({})


def sync_stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Generator[str]:
        yield "a"
        get_state(request, shelf)  # sync stream
        yield "b"

    get_state(request, lamp)  # sync before
    return StreamingHttpResponse(parts())


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncGenerator[str]:
        yield "a"
        get_state(request, shelf)  # async stream
        yield "b"

    get_state(request, lamp)  # async before
    return StreamingHttpResponse(parts())


def attributes_view(request: Any) -> HttpResponse:
    scope = getattr(request, "scope", {})
    return JsonResponse(
        {
            "has_state": hasattr(request, "state"),
            "type_in_scope": type(scope.get("state")).__name__,
        }
    )


urlpatterns = [
    path("async", async_view),
    path("sync", sync_view),
    path("state", state_view),
    path("removed", removed_view),
    path("marked", marked_view),
    path("nothing", nothing_view),
    path("concurrent/<name>", concurrent_view),
    path("stream/sync", sync_stream),
    path("stream/async", async_stream),
    path("attributes", attributes_view),
    *debug_toolbar_urls(),
]
