"""The health probes, called with Django's test clients."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime
from typing import Any

import pytest
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import include, path, resolve, reverse

from django_lifespan_typed import Lifespan, Registry, lifespan_resource, urls
from django_lifespan_typed.testing.clients import LifespanClient
from tests.journaling import Add

SECRET = "postgres://user:hunter2@db"
OK = {"componentType": "component", "status": "pass", "phase": "running"}


async def async_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


urlpatterns = [
    path("", include("django_lifespan_typed.urls")),
    path("async-view", async_view),
]

probes = pytest.mark.parametrize("probe", ["livez", "readyz"])


@pytest.fixture(autouse=True)
def _urls() -> Generator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def client() -> AsyncClient:
    return AsyncClient()


class Hold:
    """Code that waits until the test continues it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self.reached.set()
        await self.released.wait()


async def refuse(*_: object) -> None:
    raise OSError(f"cannot reach {SECRET}")


def check_of(response: Any, name: str) -> dict[str, Any]:
    """The entry of one resource, without its time and duration."""
    (check,) = response.json()["checks"][name]
    assert datetime.fromisoformat(check.pop("time").replace("Z", "+00:00")).tzinfo
    if "observedValue" in check:
        assert check.pop("observedValue") >= 0
        assert check.pop("observedUnit") == "ms"
        check["checked"] = True
    result: dict[str, Any] = check
    return result


async def test_readyz_lists_the_resources(
    registry: Registry, add: Add, client: AsyncClient
) -> None:
    add("db", health=lambda _: True)
    add("plain")

    async with Lifespan(registry):
        response = await client.get("/readyz")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/health+json"
    assert response["Cache-Control"] == "no-store, private"
    assert response.json()["status"] == "pass"
    assert check_of(response, "db") == {**OK, "checked": True}
    assert check_of(response, "plain") == OK


@pytest.mark.parametrize("detail", [False, True])
async def test_an_unhealthy_resource_makes_the_process_not_ready(
    detail: bool, registry: Registry, add: Add, client: AsyncClient
) -> None:
    """The text of the error is shown only with HEALTH_DETAIL."""
    add("db", health=refuse)

    with override_settings(LIFESPAN={"HEALTH_DETAIL": detail}):
        async with Lifespan(registry):
            response = await client.get("/readyz")

    output = {"output": f"cannot reach {SECRET}"} if detail else {}
    assert (response.status_code, response.json()["status"]) == (503, "fail")
    assert check_of(response, "db") == {
        **OK,
        "status": "fail",
        "error": "OSError",
        "checked": True,
        **output,
    }


async def test_a_failed_optional_resource_is_a_warning(
    registry: Registry, add: Add, client: AsyncClient
) -> None:
    @lifespan_resource("cache", optional=True, registry=registry)
    async def cache() -> None:
        await refuse()

    add("books", cache, optional=True)
    add("db")

    async with Lifespan(registry):
        response = await client.get("/readyz")

    failed = {**OK, "status": "warn", "phase": "failed"}
    assert (response.status_code, response.json()["status"]) == (200, "warn")
    assert check_of(response, "cache") == {**failed, "error": "OSError"}
    assert check_of(response, "books") == {**failed, "error": "StartupError"}
    assert check_of(response, "db") == OK
    assert SECRET not in response.content.decode()


async def test_after_a_crash_the_process_is_not_ready(
    registry: Registry, client: AsyncClient
) -> None:
    ended = asyncio.Event()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[Callable[[], object]]:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: ended.set())
        yield task.cancel

    async with Lifespan(registry) as state:
        before = await client.get("/readyz")
        state["db"]()
        await ended.wait()
        after = await client.get("/readyz")
        alive = await client.get("/livez")

    assert (before.status_code, after.status_code, alive.status_code) == (200, 503, 200)
    assert check_of(after, "db") == {
        **OK,
        "status": "fail",
        "phase": "crashed",
        "error": "ResourceCrashed",
    }


async def test_only_while_resources_run_the_process_is_ready(
    registry: Registry, add: Add, client: AsyncClient
) -> None:
    """Optional resources are waited for, too."""
    start, stop = Hold(), Hold()
    run = Hold()

    @lifespan_resource("cache", optional=True, registry=registry)
    async def cache() -> AsyncGenerator[None]:
        await start()
        yield
        await stop()

    async def serve() -> None:
        async with Lifespan(registry):
            await run()

    serving = asyncio.create_task(serve())
    await start.reached.wait()
    starting = await client.get("/readyz")
    start.released.set()
    await run.reached.wait()
    running = await client.get("/readyz")
    run.released.set()
    await stop.reached.wait()
    stopping = await client.get("/readyz")
    alive = await client.get("/livez")
    stop.released.set()
    await serving

    answers = (starting, running, stopping, alive)
    assert [answer.status_code for answer in answers] == [503, 200, 503, 200]
    assert starting.json()["notes"] == ["the lifespan is starting"]
    assert stopping.json()["notes"] == ["the lifespan is shutting down"]
    assert check_of(stopping, "cache")["phase"] == "stopping"


async def test_a_probe_that_waits_for_a_check_is_answered_at_the_shutdown(
    registry: Registry, add: Add, client: AsyncClient
) -> None:
    hold = Hold()
    add("db", health=hold)

    async with Lifespan(registry):
        probing = asyncio.create_task(client.get("/readyz"))
        await hold.reached.wait()
    response = await probing

    assert response.status_code == 503
    assert response.json()["notes"] == ["the lifespan is shutting down"]


async def test_without_a_lifespan_the_process_is_alive_but_not_ready(
    client: AsyncClient,
) -> None:
    ready = await client.get("/readyz")
    alive = await client.get("/livez")

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json() == {
        "status": "fail",
        "notes": ["no lifespan runs on this event loop"],
    }


async def test_livez_makes_no_health_check(
    registry: Registry, add: Add, client: AsyncClient
) -> None:
    hold = Hold()
    add("db", health=hold)

    async with Lifespan(registry):
        response = await client.get("/livez")

    assert (response.status_code, response.json()) == (200, {"status": "pass"})
    assert response["Content-Type"] == "application/health+json"
    assert response["Cache-Control"] == "no-store, private"
    assert not hold.reached.is_set()


# --- Both probes


@probes
async def test_a_probe_answers_get_and_head_with_and_without_a_slash(
    probe: str, registry: Registry, client: AsyncClient
) -> None:
    """A redirect would count as a success for some, as a failure for others."""
    async with Lifespan(registry):
        for url in (f"/{probe}", f"/{probe}/"):
            assert (await client.get(url)).status_code == 200
            head = await client.head(url)
            assert (head.status_code, head.content) == (200, b"")

    assert reverse(f"lifespan:{probe}") == f"/{probe}"


@probes
@pytest.mark.parametrize("method", ["post", "options"])
async def test_a_probe_answers_405_to_other_methods(method: str, probe: str) -> None:
    """Not 403 because of a missing CSRF token."""
    client = AsyncClient(enforce_csrf_checks=True)
    csrf = ["django.middleware.csrf.CsrfViewMiddleware"]

    with override_settings(MIDDLEWARE=csrf):
        response = await getattr(client, method)(f"/{probe}")

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@probes
async def test_a_probe_works_with_atomic_requests(
    probe: str,
    registry: Registry,
    client: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Django refuses other async views then."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    with pytest.raises(RuntimeError, match="ATOMIC_REQUESTS"):
        await client.get("/async-view")

    async with Lifespan(registry):
        assert (await client.get(f"/{probe}")).status_code == 200


@probes
def test_login_required_middleware_lets_a_probe_pass(probe: str) -> None:
    assert vars(resolve(f"/{probe}").func)["login_required"] is False


async def test_a_503_is_not_logged_and_mailed_by_django(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "django.request")

    assert (await client.get("/readyz")).status_code == 503
    assert caplog.records == []


def test_the_urls_mount_the_probes_only() -> None:
    """Not the status page."""
    assert [pattern.name for pattern in urls.urlpatterns] == ["livez", "readyz"]


# --- Under WSGI


def test_probes_under_wsgi(registry: Registry, add: Add) -> None:
    async def check(_: object) -> None:
        asyncio.get_running_loop()

    add("db", health=check)

    with LifespanClient(registry) as client:
        ready, alive = client.get("/readyz"), client.get("/livez")
    alone = [Client().get(path).status_code for path in ("/readyz", "/livez")]

    assert (ready.status_code, alive.status_code) == (200, 200)
    assert check_of(ready, "db") == {**OK, "checked": True}
    assert alone == [503, 200]
