"""Django's test clients, over a running lifespan: each request has its own state."""

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
from django_lifespan_typed.exceptions import LifespanError, LifespanNotRunning
from django_lifespan_typed.testing import (
    LifespanAsyncClient,
    LifespanAwareAsyncClient,
    LifespanClient,
    override_state,
)
from tests.processes import LIMIT

from .conftest import Add

HTTP = StateKey[str]("http")
MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]


def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_state(request, HTTP))


async def awaited(request: HttpRequest) -> HttpResponse:
    loop = getattr(current_state()["loop"], "loop", None)
    on_it = loop in {None, asyncio.get_running_loop()}
    return HttpResponse(f"{get_state(request, HTTP)} {on_it}")


def kept(request: Any) -> HttpResponse:
    """What an earlier request, or the view before, left on the state."""
    own = request.state if hasattr(request, "state") else request.scope["state"]
    before = own.get("kept", "nothing")
    own["kept"] = "something"
    return HttpResponse(before)


async def kept_async(request: Any) -> HttpResponse:
    return kept(request)


def on_scope(request: Any) -> JsonResponse:
    return JsonResponse(request.scope["state"])


def has_state(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{hasattr(request, 'state')}")


def asked(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.headers['x-given']} of {request.get_host()}")


urlpatterns = [
    path("asked/", asked),
    path("has-state/", has_state),
    path("sync/", sync),
    path("async/", awaited),
    path("kept/", kept),
    path("kept-async/", kept_async),
    path("on-scope/", on_scope),
]

pytestmark = [pytest.mark.usefixtures("nothing_is_left", "urls")]


@pytest.fixture(params=[[], MIDDLEWARE], ids=["bare", "middleware"])
def urls(request: pytest.FixtureRequest) -> Any:
    """The views above, with and without the middleware."""
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=request.param):
        yield


@pytest.fixture
def resources(add: Add, registry: Registry) -> Registry:
    """``http``, and the loop that it was made on."""
    add("http")

    class Where:
        def __init__(self) -> None:
            self.loop = asyncio.get_running_loop()

    @lifespan_resource("loop", registry=registry)
    async def loop() -> Where:
        return Where()

    return registry


def test_a_block_of_its_own(resources: Registry, journal: list[str]) -> None:
    """The block starts the resources; sync and async views have them, on their loop."""
    with LifespanClient(resources) as client:
        assert client.get("/sync/").content == b"http()"
        assert client.get("/async/").content == b"http() True"

    assert journal == ["+http", "-http"]


async def test_an_async_block_of_its_own(
    resources: Registry, journal: list[str]
) -> None:
    """The same, on the running event loop."""
    async with LifespanAsyncClient(resources) as client:
        assert (await client.get("/sync/")).content == b"http()"
        assert (await client.get("/async/")).content == b"http() True"

    assert journal == ["+http", "-http"]


def test_a_request_has_a_copy(resources: Registry) -> None:
    """What a view leaves on its state is gone with the request, as under a server."""
    with LifespanClient(resources) as client:
        for url in ("/kept/", "/kept-async/") * 2:
            assert client.get(url).content == b"nothing"
        assert "kept" not in current_state()


async def test_an_async_request_has_a_copy(resources: Registry) -> None:
    """The same for the async client, one after the other and at once."""
    async with LifespanAsyncClient(resources) as client:
        for url in ("/kept/", "/kept-async/"):
            at_once = await asyncio.gather(*(client.get(url) for _ in range(3)))
            assert [response.content for response in at_once] == [b"nothing"] * 3
        assert "kept" not in current_state()


async def test_a_request_has_a_copy_of_a_given_state() -> None:
    """``LifespanAwareAsyncClient`` starts nothing; the given state stays as it was."""
    state = {"http": "given"}
    client = LifespanAwareAsyncClient(state=state)

    assert (await client.get("/sync/")).content == b"given"
    for _ in range(2):
        assert (await client.get("/kept/")).content == b"nothing"
        assert (await client.get("/kept-async/")).content == b"nothing"
    assert (await client.get("/on-scope/")).json() == {"http": "given"}
    assert state == {"http": "given"}


async def test_all_else_is_as_in_django() -> None:
    """Headers stay headers, and options options."""
    client = LifespanAwareAsyncClient(
        state={"http": "x"}, raise_request_exception=False
    )

    response = await client.get("/asked/", headers={"x-given": "yes"})
    refused = await client.get("/asked/")

    assert response.content == b"yes of testserver"
    assert refused.status_code == 500


async def test_request_state_is_there_with_its_middleware_alone(
    resources: Registry,
) -> None:
    """As under a server: a test does not pass where the site would fail."""
    expected = str(settings.MIDDLEWARE == MIDDLEWARE).encode()

    def ask() -> bytes:
        with LifespanClient(resources) as client:
            return client.get("/has-state/").content

    sync_content = await sync_to_async(ask)()
    async with LifespanAsyncClient(resources) as async_client:
        response = await async_client.get("/has-state/")

    assert sync_content == expected
    assert response.content == expected


def test_over_what_runs(resources: Registry, journal: list[str]) -> None:
    """Outside a block of its own, it is over the lifespan that runs here."""
    client = LifespanClient()

    with Lifespan(resources):
        assert client.get("/async/").content == b"http() True"
        assert client.get("/kept/").content == b"nothing"

    assert journal == ["+http", "-http"]


async def test_async_over_what_runs(resources: Registry, journal: list[str]) -> None:
    """The same for the async client."""
    client = LifespanAsyncClient()

    async with Lifespan(resources):
        assert (await client.get("/async/")).content == b"http() True"
        assert (await client.get("/kept/")).content == b"nothing"

    assert journal == ["+http", "-http"]


def test_only(add: Add, registry: Registry, journal: list[str]) -> None:
    """A client may start less."""
    http = add("http", add("socket"))
    add("other")

    with LifespanClient(registry, only=(http,)) as client:
        assert client.get("/sync/").content == b"http(socket())"

    assert journal == ["+socket", "+http", "-http", "-socket"]


def test_overridden(resources: Registry, journal: list[str]) -> None:
    """Before a start and while it runs."""
    with override_state(HTTP, "early"), LifespanClient(resources) as client:
        assert client.get("/sync/").content == b"early"
        with override_state(HTTP, "late"):
            assert client.get("/async/").content == b"late True"
        assert client.get("/sync/").content == b"early"

    assert journal == []


async def test_overridden_async(resources: Registry) -> None:
    """The same for the async client."""
    async with LifespanAsyncClient(resources) as client:
        with override_state(HTTP, "late"):
            assert (await client.get("/async/")).content == b"late True"
        assert (await client.get("/sync/")).content == b"http()"


def test_refuses_requests_where_nothing_runs() -> None:
    """The error says what to write."""
    with pytest.raises(LifespanNotRunning) as raised:
        LifespanClient().get("/sync/")

    assert str(raised.value) == (
        "no lifespan runs where this test client sends a request\n"
        "Write: with LifespanClient() as client:\n"
        "Or derive the test case from LifespanTestCase, whose setUp your own has to "
        "call, or use pytest's fixture lifespan."
    )


async def test_refuses_async_requests_where_nothing_runs(resources: Registry) -> None:
    """Also after the block."""
    async with LifespanAsyncClient(resources) as client:
        pass

    with pytest.raises(LifespanNotRunning) as raised:
        await client.get("/sync/")

    assert str(raised.value).splitlines()[1] == (
        "Write: async with LifespanAsyncClient() as client:"
    )


async def test_refuses_a_sync_block_in_async_code(resources: Registry) -> None:
    """It would stop the loop."""
    with pytest.raises(LifespanError, match="this code runs on an event loop"):
        LifespanClient(resources).__enter__()


def test_a_failed_start(add: Add, registry: Registry, journal: list[str]) -> None:
    """It is raised from the block, and leaves nothing."""
    add("broken", add("http"), fails="start")

    with pytest.raises(ConnectionError, match="broken"), LifespanClient(registry):
        raise AssertionError

    assert journal == ["+http", "+broken", "-http"]


def test_options_of_django(resources: Registry) -> None:
    """What Django's client takes, ours takes too."""
    with LifespanClient(
        resources, enforce_csrf_checks=True, raise_request_exception=False
    ) as client:
        assert client.handler.enforce_csrf_checks
        # No JSON is made of this loop: an error of the view, and none of the test.
        assert client.get("/on-scope/").status_code == 500


# --- Behind a real server


def test_what_a_server_copies_from(resources: Registry) -> None:
    """A request that a server in another thread serves has the fake on its scope."""
    up = threading.Event()

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            up.set()

    app = get_asgi_application(resources)
    server = Announcing(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=asyncio.run, args=(server.serve(),))
    thread.start()
    try:
        assert up.wait(LIMIT)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=LIMIT
        ) as client:
            real = client.get("/sync/").text
            with override_state(HTTP, "fake"):
                with override_state(StateKey[str]("loop"), "none"):
                    on_scope = client.get("/on-scope/").json()
                faked = [client.get("/sync/").text, client.get("/async/").text]
            back = client.get("/sync/").text
            kept = [client.get("/kept/").text for _ in range(2)]
    finally:
        server.should_exit = True
        thread.join(LIMIT)

    assert real == back == "http()"
    assert on_scope == {"http": "fake", "loop": "none"}
    assert faked == ["fake", "fake True"]
    assert kept == ["nothing", "nothing"]
