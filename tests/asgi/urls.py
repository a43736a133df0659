"""Views that the ASGI tests request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Any

from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path

from django_lifespan_typed import LifespanRequest, StateKey, current_state, get_state

NUMBER = StateKey[int]("number")

EVERYWHERE = {"get_state": 7, "request.state": 7, "by name": 7, "current_state": 7}
"""The answer of the view ``everywhere`` while the number is 7."""


def everywhere(request: LifespanRequest) -> JsonResponse:
    """The number, read in every possible way."""
    return JsonResponse(
        {
            "get_state": get_state(request, NUMBER),
            "request.state": request.state[NUMBER],
            "by name": request.state["number"],
            "current_state": current_state()[NUMBER],
        }
    )


async def everywhere_async(request: LifespanRequest) -> JsonResponse:
    """The same, on the event loop."""
    return everywhere(request)


async def names(request: LifespanRequest) -> JsonResponse:
    """The names on the request's state."""
    return JsonResponse(sorted(request.state), safe=False)


async def write(request: LifespanRequest) -> JsonResponse:
    """Write to the request's state; answers the names that it had before."""
    before = sorted(request.state)
    request.state["written"] = True
    return JsonResponse(before, safe=False)


def without_middleware(request: HttpRequest) -> JsonResponse:
    """The number, and whether there is a ``request.state``."""
    return JsonResponse(
        {
            "get_state": get_state(request, NUMBER),
            "request.state": hasattr(request, "state"),
        }
    )


async def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def hello_sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello from a thread")


async def echo(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(request.body, content_type="application/octet-stream")
    response.set_cookie("seen", "yes")
    response["X-Query"] = request.META["QUERY_STRING"]
    return response


async def redirect(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/hello")


async def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("broken view")


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"one", b"two", b"three"):
            yield chunk
            await asyncio.sleep(0)

    return StreamingHttpResponse(chunks())


def stream_sync(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        yield from (b"one", b"two")

    return StreamingHttpResponse(chunks())


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(BytesIO(b"x" * 100_000), filename="x.bin")


# Set by the tests that hold a request open.
held: dict[str, Any] = {}


async def hold(request: HttpRequest) -> HttpResponse:
    """Set ``entered``, wait for ``leave``, then read the number."""
    held["entered"].set()
    try:
        await held["leave"].wait()
    except asyncio.CancelledError:
        held["cancelled"] = True
        raise
    return HttpResponse(str(get_state(request, NUMBER)))


urlpatterns = [
    path("everywhere", everywhere),
    path("everywhere-async", everywhere_async),
    path("names", names),
    path("write", write),
    path("get-state", without_middleware),
    path("hello", hello),
    path("hello-sync", hello_sync),
    path("echo", echo),
    path("redirect", redirect),
    path("broken", broken),
    path("stream", stream),
    path("stream-sync", stream_sync),
    path("file", file),
    path("hold", hold),
]
