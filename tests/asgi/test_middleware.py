"""The middleware, in every stack and under every handler and client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings

from django_lifespan_typed import Lifespan, LifespanState, Registry, lifespan_resource
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.middleware import AsyncMiddleware, LifespanStateMiddleware
from django_lifespan_typed.testing import LifespanAwareAsyncClient

from .server import FakeServer, body_of
from .urls import NUMBER

EVERYWHERE = {"get_state": 7, "request.state": 7, "by name": 7, "current_state": 7}


@pytest.fixture
def numbered(registry: Registry) -> Registry:
    """A registry of the one resource that the views read."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    return registry


# --- By itself


def test_a_sync_stack_gets_a_sync_middleware() -> None:
    """No thread and no loop between two sync layers."""
    response = HttpResponse("from the view")
    seen: list[Any] = []

    def view(request: Any) -> HttpResponse:
        seen.append(request.state)
        return response

    middleware = LifespanStateMiddleware(view)
    answer = middleware(RequestFactory().get("/"))

    assert not iscoroutinefunction(middleware)
    assert answer is response
    assert [dict(state) for state in seen] == [{}]


async def test_an_async_stack_gets_an_async_middleware() -> None:
    """Django asks it what it is, and awaits it."""
    response = HttpResponse("from the view")
    seen: list[Any] = []

    async def view(request: Any) -> HttpResponse:
        seen.append(request.state)
        return response

    middleware: Any = LifespanStateMiddleware(view)
    answer = await middleware(RequestFactory().get("/"))

    assert iscoroutinefunction(middleware)
    assert answer is response
    assert [dict(state) for state in seen] == [{}]


def plain(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A middleware for sync stacks alone."""
    return lambda request: get_response(request)


plain.async_capable = False  # type: ignore[attr-defined]


class AsyncSubclass(LifespanStateMiddleware):
    """As one was written for django-asgi-lifespan."""

    async def __call__(self, request: Any) -> Any:  # type: ignore[override]
        answer: Any = super().__call__(request)
        response = await answer
        response["X-Names"] = ",".join(request.state)
        return response


class SyncSubclass(LifespanStateMiddleware):
    """For sync stacks, says its author."""

    async_capable = False

    def __call__(self, request: Any) -> Any:
        response: Any = super().__call__(request)
        response["X-Names"] = ",".join(request.state)
        return response


@pytest.mark.parametrize("kind", [AsyncSubclass, SyncSubclass])
@pytest.mark.parametrize("others", [[], [f"{__name__}.plain"]], ids=["alone", "sync"])
async def test_a_subclass_serves_the_stacks_that_its_call_is_for(
    kind: type, others: list[str], numbered: Registry
) -> None:
    """Django adapts the others to it, under our handler and under its sync client."""
    names = [f"{__name__}.{kind.__name__}", *others]
    with override_settings(MIDDLEWARE=names):
        async with Lifespan(numbered):
            response = await AsyncClient().get("/hello")
            sent = [response["X-Names"]]
            get = sync_to_async(Client().get, thread_sensitive=False)
            sent.append((await get("/hello"))["X-Names"])

    assert sent == ["number", "number"]


def test_it_is_for_both_kinds_of_stack() -> None:
    """Django adapts nothing for it."""
    assert LifespanStateMiddleware.sync_capable
    assert LifespanStateMiddleware.async_capable


def test_it_has_its_first_name_too() -> None:
    """The first versions of django-asgi-lifespan called it so."""
    assert AsyncMiddleware is LifespanStateMiddleware


def test_the_state_is_the_requests_own_scope() -> None:
    """What a view writes is seen by who reads the scope, and by nobody else."""
    request: Any = RequestFactory().get("/")
    request.scope = {"state": {"number": 7}}

    LifespanStateMiddleware(lambda _: HttpResponse())(request)
    request.state["written"] = True

    assert isinstance(request.state, LifespanState)
    assert request.state[NUMBER] == 7
    assert request.scope == {"state": {"number": 7, "written": True}}


# --- In a stack


def passing_sync(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that is sync only."""
    return lambda request: get_response(request)


def passing_async(
    get_response: Callable[[HttpRequest], Awaitable[HttpResponse]],
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """A middleware that is async only."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        return await get_response(request)

    return middleware


passing_async.sync_capable = False  # type: ignore[attr-defined]
passing_async.async_capable = True  # type: ignore[attr-defined]

OURS = "django_lifespan_typed.middleware.LifespanStateMiddleware"
SYNC = f"{__name__}.passing_sync"
ASYNC = f"{__name__}.passing_async"

STACKS = {
    "alone": [OURS],
    "by its first name": ["django_lifespan_typed.middleware.AsyncMiddleware"],
    "after a sync one": [SYNC, OURS],
    "before a sync one": [OURS, SYNC],
    "after an async one": [ASYNC, OURS],
    "before an async one": [OURS, ASYNC],
}


@pytest.mark.parametrize("stack", STACKS.values(), ids=STACKS.keys())
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
async def test_it_works_in_every_stack(
    numbered: Registry, stack: list[str], path: str
) -> None:
    """Beside sync and async middleware, for sync and async views."""
    with override_settings(MIDDLEWARE=stack):
        handler = LifespanASGIHandler(numbered)

    async with FakeServer(handler, state={}) as server:
        await server.startup()
        served = await server.request(path)
        await server.shutdown()

    assert json.loads(body_of(served)) == EVERYWHERE


@override_settings(MIDDLEWARE=[])
async def test_get_state_needs_no_middleware(numbered: Registry) -> None:
    """``request.state`` is all that the middleware is for."""
    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        served = await server.request("/get-state")
        await server.shutdown()

    assert json.loads(body_of(served)) == {"get_state": 7, "request.state": False}


# --- Where no ASGI server is


async def _through_async_client(path: str) -> Any:
    return (await AsyncClient().get(path)).json()


async def _through_client(path: str) -> Any:
    return (await sync_to_async(Client().get)(path)).json()


async def _through_wsgi(path: str) -> Any:
    statuses: list[str] = []

    def call() -> bytes:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
        }
        response: Any = WSGIHandler()(
            environ, lambda status, _: statuses.append(status)
        )
        try:
            return b"".join(response)
        finally:
            response.close()

    body = await asyncio.get_running_loop().run_in_executor(None, call)
    assert statuses == ["200 OK"]
    return json.loads(body)


@pytest.mark.parametrize(
    "through",
    [
        pytest.param(_through_async_client, id="AsyncClient"),
        pytest.param(_through_client, id="Client"),
        pytest.param(_through_wsgi, id="WSGIHandler"),
    ],
)
async def test_a_running_lifespan_is_found_without_a_server(
    numbered: Registry, through: Callable[[str], Awaitable[Any]]
) -> None:
    """Test clients and WSGI have no state in a scope: the process has."""
    async with Lifespan(numbered):
        found = await through("/everywhere")

    assert found == EVERYWHERE


@pytest.mark.parametrize(
    "through",
    [
        pytest.param(_through_async_client, id="AsyncClient"),
        pytest.param(_through_client, id="Client"),
        pytest.param(_through_wsgi, id="WSGIHandler"),
    ],
)
async def test_without_a_lifespan_the_state_is_empty(
    through: Callable[[str], Awaitable[Any]],
) -> None:
    """Nothing fails before something is asked for."""
    assert await through("/names") == []


@pytest.mark.parametrize(
    "through",
    [
        pytest.param(_through_async_client, id="AsyncClient"),
        pytest.param(_through_client, id="Client"),
        pytest.param(_through_wsgi, id="WSGIHandler"),
    ],
)
async def test_each_request_has_a_state_of_its_own(
    numbered: Registry, through: Callable[[str], Awaitable[Any]]
) -> None:
    """What one request writes, the lifespan and the next request do not see."""
    async with Lifespan(numbered) as state:
        first = await through("/write")
        second = await through("/write")

        assert first == second == ["number"]
        assert sorted(state) == ["number"]


# --- The test client


async def test_the_aware_client_gives_its_state() -> None:
    """A fake in place of a resource, without a lifespan."""
    client = LifespanAwareAsyncClient(state={"number": 7})

    response = await client.get("/names")

    assert response.json() == ["number"]
    assert client.state == {"number": 7}


async def test_the_aware_client_is_else_djangos_own() -> None:
    """Since Django 5.2 unknown keywords are headers: the state never is one."""
    options: dict[str, Any] = {"headers": {"x-one": "1"}, "HTTP_X_TWO": "2"}
    theirs = await AsyncClient(**options).get("/hello", headers={"x-three": "3"})

    client = LifespanAwareAsyncClient(state={"number": 7}, **options)
    ours = await client.get("/hello", headers={"x-three": "3"})

    assert dict(ours.asgi_request.headers) == dict(theirs.asgi_request.headers)
    assert ours.asgi_request.headers["X-Three"] == "3"
    assert ours.asgi_request.scope["state"] == {"number": 7}


async def test_the_aware_client_posts() -> None:
    """Its other methods carry the state too."""
    client = LifespanAwareAsyncClient(state={"number": 7})

    response = await client.post("/names", {"a": "b"})

    assert response.json() == ["number"]


def test_the_aware_client_requires_a_state() -> None:
    """The signature of django-asgi-lifespan: without it, use Django's client."""
    with pytest.raises(TypeError):
        LifespanAwareAsyncClient()  # type: ignore[call-arg]
