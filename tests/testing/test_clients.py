"""The test clients: a running lifespan, and a copy of its state per request."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
import uvicorn
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import override_settings
from django.urls import path

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.asgi import get_asgi_application
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.testing import (
    LifespanAsyncClient,
    LifespanAwareAsyncClient,
    LifespanClient,
    override_state,
)
from tests.journaling import Add
from tests.processes import LIMIT

HTTP = StateKey[str]("http")
LOOP = StateKey[Any]("loop")
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]


def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_state(request, HTTP))


async def on_loop(request: HttpRequest) -> HttpResponse:
    """The value, and whether the view runs on the event loop of the resources."""
    same = get_state(request, LOOP).loop is asyncio.get_running_loop()
    return HttpResponse(f"{get_state(request, HTTP)} {same}")


def kept(request: Any) -> HttpResponse:
    """The value that an earlier request left on the state."""
    own = request.state if hasattr(request, "state") else request.scope["state"]
    before = own.get("kept", "nothing")
    own["kept"] = "something"
    return HttpResponse(before)


async def kept_async(request: Any) -> HttpResponse:
    return kept(request)


def scope_state(request: Any) -> JsonResponse:
    return JsonResponse(request.scope["state"])


def has_state(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"has_state": hasattr(request, "state")})


def header(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.headers["x-given"])


urlpatterns = [
    path("sync/", sync),
    path("on-loop/", on_loop),
    path("kept/", kept),
    path("kept-async/", kept_async),
    path("scope-state/", scope_state),
    path("has-state/", has_state),
    path("header/", header),
]

pytestmark = [pytest.mark.usefixtures("nothing_is_left", "urls")]


@pytest.fixture(params=[[], MIDDLEWARE], ids=["bare", "middleware"])
def urls(request: pytest.FixtureRequest) -> Any:
    """The views above, with and without the middleware."""
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=request.param):
        yield


class Where:
    """A resource that knows its event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()


@pytest.fixture
def resources(add: Add, registry: Registry) -> Registry:
    """A registry with ``http`` and ``loop``."""
    add("http")

    @lifespan_resource("loop", registry=registry)
    async def loop() -> Where:
        return Where()

    return registry


def test_the_block_of_a_client_runs_the_resources(
    resources: Registry, journal: list[str]
) -> None:
    with LifespanClient(resources) as client:
        assert client.get("/sync/").content == b"http()"
        assert client.get("/on-loop/").content == b"http() True"
        for url in ("/kept/", "/kept-async/") * 2:
            assert client.get(url).content == b"nothing"  # each has a copy
        assert "kept" not in current_state()

    assert journal == ["+http", "-http"]


async def test_the_block_of_an_async_client_runs_the_resources(
    resources: Registry, journal: list[str]
) -> None:
    async with LifespanAsyncClient(resources) as client:
        assert (await client.get("/sync/")).content == b"http()"
        assert (await client.get("/on-loop/")).content == b"http() True"
        for url in ("/kept/", "/kept-async/"):
            responses = await asyncio.gather(*(client.get(url) for _ in range(3)))
            assert [response.content for response in responses] == [b"nothing"] * 3
        assert "kept" not in current_state()

    assert journal == ["+http", "-http"]


def test_a_client_uses_a_running_lifespan(
    resources: Registry, journal: list[str]
) -> None:
    with Lifespan(resources):
        assert LifespanClient().get("/on-loop/").content == b"http() True"

    assert journal == ["+http", "-http"]


async def test_an_async_client_uses_a_running_lifespan(
    resources: Registry, journal: list[str]
) -> None:
    async with Lifespan(resources):
        response = await LifespanAsyncClient().get("/on-loop/")
        assert response.content == b"http() True"

    assert journal == ["+http", "-http"]


async def test_each_request_has_a_copy_of_a_given_state() -> None:
    state = {"http": "given"}
    client = LifespanAwareAsyncClient(state=state)

    assert (await client.get("/sync/")).content == b"given"
    for url in ("/kept/", "/kept-async/") * 2:
        assert (await client.get(url)).content == b"nothing"
    assert (await client.get("/scope-state/")).json() == state == {"http": "given"}


async def test_request_state_needs_the_middleware(resources: Registry) -> None:
    """Otherwise a test would pass where the site fails."""

    def get() -> Any:
        with LifespanClient(resources) as client:
            return client.get("/has-state/")

    response = await sync_to_async(get)()
    async with LifespanAsyncClient(resources) as client:
        async_response = await client.get("/has-state/")

    expected = {"has_state": settings.MIDDLEWARE == MIDDLEWARE}
    assert response.json() == async_response.json() == expected


def test_a_client_may_start_some_of_the_resources(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    http = add("http", add("socket"))
    add("other")

    with LifespanClient(registry, only=(http,)) as client:
        assert client.get("/sync/").content == b"http(socket())"

    assert journal == ["+socket", "+http", "-http", "-socket"]


def test_a_request_without_a_lifespan_is_refused() -> None:
    with pytest.raises(LifespanNotRunning) as raised:
        LifespanClient().get("/sync/")

    assert str(raised.value) == (
        "no lifespan runs where this test client sends a request\n"
        "Write: with LifespanClient() as client:\n"
        "Or derive the test case from LifespanTestCase, and call super().setUp() in "
        "your own setUp, or use pytest's fixture lifespan."
    )


async def test_a_request_after_the_block_is_refused(resources: Registry) -> None:
    async with LifespanAsyncClient(resources) as client:
        pass

    with pytest.raises(LifespanNotRunning, match="async with LifespanAsyncClient"):
        await client.get("/sync/")


def test_a_client_takes_the_options_of_django(resources: Registry) -> None:
    options = {"enforce_csrf_checks": True, "raise_request_exception": False}

    with LifespanClient(resources, **options) as client:
        assert client.handler.enforce_csrf_checks
        assert client.get("/header/", headers={"x-given": "yes"}).content == b"yes"
        assert client.get("/header/").status_code == 500


@pytest.mark.parametrize("make", [LifespanAsyncClient, LifespanAwareAsyncClient])
async def test_an_async_client_takes_the_options_of_django(make: Any) -> None:
    options = {"enforce_csrf_checks": True, "raise_request_exception": False}

    async with Lifespan(Registry()):
        client = make({} if make is LifespanAwareAsyncClient else None, **options)
        response = await client.get("/header/", headers={"x-given": "yes"})
        failed = await client.get("/header/")

    assert client.handler.enforce_csrf_checks
    assert response.content == b"yes"
    assert failed.status_code == 500


def test_an_override_applies_to_a_server_in_another_thread(
    resources: Registry,
) -> None:
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    app = get_asgi_application(resources)
    server = Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    try:
        assert started.wait(LIMIT)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=LIMIT
        ) as client:
            real = client.get("/sync/").text
            with override_state(HTTP, "fake"):
                overridden = [client.get(url).text for url in ("/sync/", "/on-loop/")]
                with override_state(LOOP, "none"):
                    on_scope = client.get("/scope-state/").json()
            restored = client.get("/sync/").text
            kept = [client.get("/kept/").text for _ in range(2)]
    finally:
        server.should_exit = True
        thread.join(LIMIT)

    assert real == restored == "http()"
    assert overridden == ["fake", "fake True"]
    assert on_scope == {"http": "fake", "loop": "none"}
    assert kept == ["nothing", "nothing"]
