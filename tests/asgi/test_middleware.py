"""LifespanStateMiddleware: in every stack, and under every handler and client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.utils.decorators import async_only_middleware, sync_only_middleware

from django_lifespan_typed import Lifespan, LifespanState, Registry
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.middleware import LifespanStateMiddleware

from .server import json_of, serving
from .urls import EVERYWHERE, NUMBER

# --- By itself


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_the_middleware_is_of_the_kind_of_its_stack(is_async: bool) -> None:
    """Django need not adapt it."""
    response = HttpResponse("from the view")
    states: list[Any] = []

    def view(request: Any) -> HttpResponse:
        states.append(request.state)
        return response

    async def async_view(request: Any) -> HttpResponse:
        return view(request)

    middleware: Any = LifespanStateMiddleware(async_view if is_async else view)
    answer = middleware(RequestFactory().get("/"))

    assert LifespanStateMiddleware.sync_capable
    assert LifespanStateMiddleware.async_capable
    assert iscoroutinefunction(middleware) == is_async
    assert (await answer if is_async else answer) is response
    assert [dict(state) for state in states] == [{}]


def test_the_state_writes_through_to_the_scope_of_the_request() -> None:
    request: Any = RequestFactory().get("/")
    request.scope = {"state": {"number": 7}}

    LifespanStateMiddleware(lambda _: HttpResponse())(request)
    request.state["written"] = True

    assert isinstance(request.state, LifespanState)
    assert request.state[NUMBER] == 7
    assert request.scope == {"state": {"number": 7, "written": True}}


async def test_a_scope_without_a_state_has_the_values_of_the_lifespan(
    numbered: Registry,
) -> None:
    """Also under a server that sets it to None."""
    states: list[Any] = []

    def view(request: Any) -> HttpResponse:
        states.append(dict(request.state))
        return HttpResponse()

    async with Lifespan(numbered):
        for scope in ({}, {"state": None}):
            request: Any = RequestFactory().get("/")
            request.scope = scope
            LifespanStateMiddleware(view)(request)

    assert states == [{"number": 7}] * 2


# --- In a stack


@sync_only_middleware
def sync_only(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: get_response(request)


@async_only_middleware
def async_only(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    async def middleware(request: HttpRequest) -> HttpResponse:
        return await get_response(request)

    return middleware


OURS = "django_lifespan_typed.middleware.LifespanStateMiddleware"
SYNC = f"{__name__}.sync_only"
ASYNC = f"{__name__}.async_only"


@pytest.mark.parametrize(
    "stack",
    [
        pytest.param([OURS], id="alone"),
        pytest.param([SYNC, OURS], id="after a sync one"),
        pytest.param([OURS, SYNC], id="before a sync one"),
        pytest.param([ASYNC, OURS], id="after an async one"),
        pytest.param([OURS, ASYNC], id="before an async one"),
    ],
)
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
async def test_the_middleware_works_in_every_stack(
    numbered: Registry, stack: list[str], path: str
) -> None:
    with override_settings(MIDDLEWARE=stack):
        handler = LifespanASGIHandler(numbered)

    async with serving(handler, {}) as server:
        served = await server.request(path)

    assert json_of(served) == EVERYWHERE


class AsyncSubclass(LifespanStateMiddleware):
    """As written for django-asgi-lifespan."""

    async def __call__(self, request: Any) -> Any:
        answer: Any = super().__call__(request)
        response = await answer
        response["X-Names"] = ",".join(request.state)
        return response


class SyncSubclass(LifespanStateMiddleware):
    async_capable = False

    def __call__(self, request: Any) -> Any:
        response: Any = super().__call__(request)
        response["X-Names"] = ",".join(request.state)
        return response


@pytest.mark.parametrize("kind", [AsyncSubclass, SyncSubclass])
@pytest.mark.parametrize("others", [[], [SYNC]], ids=["alone", "before a sync one"])
async def test_subclasses_work_in_every_stack(
    kind: type, others: list[str], numbered: Registry
) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.{kind.__name__}", *others]):
        async with Lifespan(numbered):
            by_async = await AsyncClient().get("/hello")
            get = sync_to_async(Client().get, thread_sensitive=False)
            by_sync = await get("/hello")

    assert [by_async["X-Names"], by_sync["X-Names"]] == ["number", "number"]


@override_settings(MIDDLEWARE=[])
async def test_get_state_needs_no_middleware(numbered: Registry) -> None:
    async with serving(numbered, {}) as server:
        served = await server.request("/get-state")

    assert json_of(served) == {"get_state": 7, "request.state": False}


# --- Without an ASGI server


async def _async_client(path: str) -> Any:
    return (await AsyncClient().get(path)).json()


async def _client(path: str) -> Any:
    return (await sync_to_async(Client().get)(path)).json()


async def _wsgi_handler(path: str) -> Any:
    def call() -> bytes:
        handler: Any = WSGIHandler()
        response = handler(RequestFactory().get(path).environ, lambda *_: None)
        try:
            return b"".join(response)
        finally:
            response.close()

    return json.loads(await asyncio.get_running_loop().run_in_executor(None, call))


@pytest.mark.parametrize("ask", [_async_client, _client, _wsgi_handler])
async def test_requests_of_clients_have_a_copy_of_the_running_values(
    numbered: Registry, ask: Callable[[str], Awaitable[Any]]
) -> None:
    """Without a lifespan, the state is empty."""
    before = await ask("/names")
    async with Lifespan(numbered) as state:
        found = await ask("/everywhere")
        written = [await ask("/write"), await ask("/write")]
        names = sorted(state)

    assert before == []
    assert found == EVERYWHERE
    assert written == [["number"], ["number"]]
    assert names == ["number"]
