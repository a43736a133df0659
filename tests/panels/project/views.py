"""Views that fetch; a comment at the end of a line is how a test finds it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from django_lifespan_typed import StateKey, get_state
from tests.processes import at_gate

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
    list(request.state.items())  # state items
    request.state.pop("lamp")  # state pop
    assert shelf in request.state
    return JsonResponse({})


def taken_view(request: Any) -> HttpResponse:
    del request.state["shelf"]
    get_state(request, shelf)  # taken
    return JsonResponse({})


def marked_view(request: HttpRequest) -> HttpResponse:
    get_state(request, MARKED)
    return HttpResponse(PAGE)


def nothing_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE)


async def held_view(request: HttpRequest, name: str) -> HttpResponse:
    """Two of them wait for each other."""
    get_state(request, StateKey[object](name))  # held
    await at_gate(name)
    get_state(request, StateKey[object](name))  # released
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


def own_view(request: Any) -> HttpResponse:
    """What the request is made of, and a value that the view leaves in its state."""
    scope = getattr(request, "scope", None)
    if hasattr(request, "state"):
        request.state["left"] = "by the view"
    return JsonResponse(
        {
            "has_scope": scope is not None,
            "is_own": scope is not None and scope["state"] is scope.get("own"),
            "has_state": hasattr(request, "state"),
        }
    )
