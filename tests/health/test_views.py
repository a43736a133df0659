"""The probes, in process: what they answer, to whom, and what they do not say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from datetime import datetime
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import include, path, resolve, reverse

from django_lifespan_typed import Lifespan, Registry, lifespan_resource, urls
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.testing import override_state
from django_lifespan_typed.testing.clients import LifespanClient
from tests.core.probes import Hang, Probes, Raise

from .checks import Counted, declare


async def other(request: HttpRequest) -> HttpResponse:
    return HttpResponse("other")


urlpatterns = [
    path("", include("django_lifespan_typed.urls")),
    path("async-of-the-project", other),
]


@pytest.fixture(autouse=True)
def _urls() -> Generator[None]:
    """The probes, mounted."""
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def client() -> AsyncClient:
    """Who probes."""
    return AsyncClient()


def entry(body: Any, name: str) -> Any:
    """What the answer says of a resource, without what differs each time."""
    (said,) = body["checks"][name]
    assert datetime.fromisoformat(said.pop("time").replace("Z", "+00:00")).tzinfo
    if "observedValue" in said:
        assert said.pop("observedValue") >= 0
        assert said.pop("observedUnit") == "ms"
        said["was asked"] = True
    return said


OK = {"componentType": "component", "status": "pass", "phase": "running"}
SECRET = "postgres://user:hunter2@db"


# --- What they answer


async def test_ready(registry: Registry, probes: Probes, client: AsyncClient) -> None:
    """200, with the phase and latency of each resource."""
    declare(registry, lambda _: True)
    probes.add("plain")

    async with Lifespan(registry):
        response = await client.get("/readyz")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/health+json"
    assert response["Cache-Control"] == "no-store, private"
    body = response.json()
    assert body.keys() == {"status", "checks"}
    assert body["status"] == "pass"
    assert list(body["checks"]) == ["db", "plain"]
    assert entry(body, "db") == {**OK, "was asked": True}
    assert entry(body, "plain") == OK


async def test_ready_without_any_resource(
    registry: Registry, client: AsyncClient
) -> None:
    """Nothing to wait for."""
    async with Lifespan(registry):
        response = await client.get("/readyz")

    assert (response.status_code, response.json()) == (
        200,
        {"status": "pass", "checks": {}},
    )


def refuses(_: object) -> None:
    raise OSError(f"cannot reach {SECRET}")


@pytest.mark.parametrize("detail", [False, True], ids=["class", "detail"])
async def test_not_ready(
    detail: bool,
    registry: Registry,
    client: AsyncClient,
    limits: Callable[..., None],
) -> None:
    """503, with the class of the error; its text only where the settings say so."""
    limits(HEALTH_DETAIL=detail)
    declare(registry, refuses)

    async with Lifespan(registry):
        response = await client.get("/readyz")

    text = {"output": f"cannot reach {SECRET}"} if detail else {}
    body = response.json()
    assert response.status_code == 503
    assert body["status"] == "fail"
    assert entry(body, "db") == {
        **OK,
        "status": "fail",
        "error": "OSError",
        "was asked": True,
        **text,
    }
    assert (SECRET in response.content.decode()) == detail
    assert "Traceback" not in response.content.decode()


class Unspeakable(Exception):
    def __str__(self) -> str:
        return str(self.args[9])


def is_unspeakable(_: object) -> None:
    raise Unspeakable


async def test_an_error_that_cannot_be_described_is_an_answer(
    registry: Registry, client: AsyncClient, limits: Callable[..., None]
) -> None:
    """By its class, and not a failure of the probe."""
    limits(HEALTH_DETAIL=True)
    declare(registry, is_unspeakable)

    async with Lifespan(registry):
        response = await client.get("/readyz")

    assert response.status_code == 503
    assert entry(response.json(), "db")["output"] == "Unspeakable"


async def test_no_cache_keeps_an_answer(
    registry: Registry, client: AsyncClient, limits: Callable[..., None]
) -> None:
    """Django's own, for the whole site: older ones keep what is only no-store."""
    limits(HEALTH_CACHE=0)
    well = [True, False]
    declare(registry, lambda _: well.pop(0))
    cached = [
        "django.middleware.cache.UpdateCacheMiddleware",
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]

    with override_settings(MIDDLEWARE=cached):
        async with Lifespan(registry):
            codes = [(await client.get("/readyz")).status_code for _ in range(2)]

    assert codes == [200, 503]


async def test_degraded(
    registry: Registry, probes: Probes, client: AsyncClient
) -> None:
    """An optional resource that has failed is a warning: requests may come."""
    probes.add("cache", start=Raise(OSError(SECRET)), optional=True)
    probes.add("books", "cache", optional=True)
    probes.add("db")

    async with Lifespan(registry):
        response = await client.get("/readyz")

    body = response.json()
    failed = {**OK, "status": "warn", "phase": "failed"}
    assert (response.status_code, body["status"]) == (200, "warn")
    assert entry(body, "cache") == {**failed, "error": "OSError"}
    assert entry(body, "books") == {**failed, "error": "StartupError"}
    assert entry(body, "db") == OK
    assert SECRET not in response.content.decode()


async def test_a_crash_is_down(registry: Registry, client: AsyncClient) -> None:
    """200 before, 503 after."""
    is_dead = asyncio.Event()

    @lifespan_resource("db", registry=registry)
    async def _db() -> AsyncGenerator[Callable[[], object]]:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: is_dead.set())
        yield task.cancel

    async with Lifespan(registry) as state:
        before = await client.get("/readyz")
        state["db"]()
        await is_dead.wait()
        after = await client.get("/readyz")
        alive = await client.get("/livez")

    assert (before.status_code, after.status_code) == (200, 503)
    assert entry(after.json(), "db") == {
        **OK,
        "status": "fail",
        "phase": "crashed",
        "error": "ResourceCrashed",
    }
    assert alive.status_code == 200


async def test_no_lifespan(client: AsyncClient) -> None:
    """Not ready, and alive."""
    ready = await client.get("/readyz")
    alive = await client.get("/livez")

    assert (ready.status_code, ready.json()) == (
        503,
        {"status": "fail", "notes": ["no lifespan runs on this event loop"]},
    )
    assert (alive.status_code, alive.json()) == (200, {"status": "pass"})


async def test_while_starting(
    registry: Registry, probes: Probes, client: AsyncClient
) -> None:
    """Not ready before all have started, optional ones too."""
    hang = Hang()
    probes.add("cache", start=hang, optional=True)
    lifespan = Lifespan(registry)

    entering = asyncio.create_task(lifespan.__aenter__())
    await hang.reached()
    response = await client.get("/readyz")
    hang.release()
    await entering
    later = await client.get("/readyz")
    await lifespan.__aexit__(None, None, None)

    assert (response.status_code, later.status_code) == (503, 200)
    assert response.json()["notes"] == ["the lifespan is starting"]


@pytest.mark.parametrize("optional", [False, True], ids=["required", "optional"])
async def test_while_stopping(
    optional: bool, registry: Registry, probes: Probes, client: AsyncClient
) -> None:
    """Not ready from the beginning of the stop, whatever was found just before."""
    hang = Hang()
    probes.add("db", stop=hang, optional=optional)
    lifespan = Lifespan(registry)
    await lifespan.__aenter__()
    before = await client.get("/readyz")

    leaving = asyncio.create_task(lifespan.__aexit__(None, None, None))
    await hang.reached()
    response = await client.get("/readyz")
    alive = await client.get("/livez")
    hang.release()
    await leaving

    assert (before.status_code, response.status_code) == (200, 503)
    assert response.json()["notes"] == ["the lifespan is stopping"]
    assert entry(response.json(), "db")["phase"] == "stopping"
    assert alive.status_code == 200


async def test_a_probe_that_waits_is_answered_at_the_stop(
    registry: Registry, client: AsyncClient
) -> None:
    """503, and not a connection that breaks off."""
    check = Counted()
    declare(registry, check)

    async with Lifespan(registry):
        asking = asyncio.create_task(client.get("/readyz"))
        await check.began.wait()
    response = await asking

    assert response.status_code == 503
    assert response.json()["notes"] == ["the lifespan is stopping"]


async def test_livez_makes_no_check(registry: Registry, client: AsyncClient) -> None:
    """A restart mends no backend."""
    check = Counted()
    declare(registry, check)

    async with Lifespan(registry):
        response = await client.get("/livez")

    assert (response.status_code, response.json()) == (200, {"status": "pass"})
    assert response["Content-Type"] == "application/health+json"
    assert response["Cache-Control"] == "no-store, private"
    assert check.times == 0


async def test_a_hundred_probes_make_one_check(
    registry: Registry, client: AsyncClient
) -> None:
    """A load balancer with many nodes does not become a load."""
    check = Counted()
    declare(registry, check)

    async with Lifespan(registry):
        asking = [asyncio.create_task(client.get("/readyz")) for _ in range(100)]
        await check.began.wait()
        check.may_end.set()
        responses = await asyncio.gather(*asking)

    assert check.times == 1
    assert {response.status_code for response in responses} == {200}


async def test_an_inner_lifespan_is_its_own_business(
    registry: Registry, client: AsyncClient, probes: Probes
) -> None:
    """Another block on the server's loop, in another task, does not answer for it."""
    probes.add("outer")
    inner = Registry()
    declare(inner, refuses, "inner")
    entered, may_leave = asyncio.Event(), asyncio.Event()

    async def block() -> None:
        async with Lifespan(inner):
            entered.set()
            await may_leave.wait()

    async with Lifespan(registry):
        task = asyncio.create_task(block())
        await entered.wait()
        response = await client.get("/readyz")
        may_leave.set()
        await task

    assert list(response.json()["checks"]) == ["outer"]


async def test_a_value_that_a_test_replaces(
    registry: Registry, client: AsyncClient, limits: Callable[..., None]
) -> None:
    """A project can test its own readiness with a broken fake."""
    limits(HEALTH_CACHE=1e-300)
    resource = declare(registry, lambda value: value == "db")

    async with Lifespan(registry):
        with override_state(resource, "broken"):
            broken = await client.get("/readyz")
        mended = await client.get("/readyz")

    assert (broken.status_code, mended.status_code) == (503, 200)


# --- To whom


@pytest.mark.parametrize("probe", ["livez", "readyz"])
@pytest.mark.parametrize("slash", ["", "/"], ids=["", "slash"])
async def test_with_a_slash_and_without(
    probe: str, slash: str, registry: Registry, client: AsyncClient
) -> None:
    """No redirect: a probe may not follow one."""
    async with Lifespan(registry):
        response = await client.get(f"/{probe}{slash}")

    assert response.status_code == 200
    assert reverse(f"lifespan:{probe}") == f"/{probe}"
    assert resolve(f"/{probe}/").view_name == f"lifespan:{probe}"


@pytest.mark.parametrize("probe", ["livez", "readyz"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
async def test_other_methods_are_not_allowed(
    method: str, probe: str, registry: Registry
) -> None:
    """405, and not 403 for want of a CSRF token."""
    client = AsyncClient(enforce_csrf_checks=True)
    csrf = ["django.middleware.csrf.CsrfViewMiddleware"]

    with override_settings(MIDDLEWARE=csrf):
        async with Lifespan(registry):
            response = await getattr(client, method)(f"/{probe}")

    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("probe", ["livez", "readyz"])
async def test_head(probe: str, registry: Registry, client: AsyncClient) -> None:
    """The status is enough for some."""
    async with Lifespan(registry):
        response = await client.head(f"/{probe}")

    assert (response.status_code, response.content) == (200, b"")


SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.mark.parametrize("probe", ["livez", "readyz"])
async def test_no_session(probe: str, registry: Registry) -> None:
    """Nothing is stored for a probe, and no cookie is set."""
    client = AsyncClient()
    stack = {
        "MIDDLEWARE": [SESSIONS, "django.middleware.csrf.CsrfViewMiddleware"],
        "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
        "SESSION_SAVE_EVERY_REQUEST": True,
    }

    with override_settings(**stack):
        async with Lifespan(registry):
            response = await client.get(f"/{probe}")

    assert response.status_code == 200
    assert not response.cookies
    assert not response.has_header("Vary")


@pytest.mark.parametrize("probe", ["livez", "readyz"])
async def test_atomic_requests(
    probe: str,
    registry: Registry,
    client: AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Async views cannot have them, and a probe needs no transaction."""
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    with pytest.raises(RuntimeError, match="ATOMIC_REQUESTS"):
        await client.get("/async-of-the-project")

    async with Lifespan(registry):
        response = await client.get(f"/{probe}")

    assert response.status_code == 200


async def test_no_login(registry: Registry) -> None:
    """``LoginRequiredMiddleware`` (Django 5.1) lets them pass."""
    views = [resolve(f"/{probe}").func for probe in ("livez", "readyz")]

    assert [getattr(view, "login_required", True) for view in views] == [False, False]
    assert [getattr(view, "csrf_exempt", False) for view in views] == [True, True]


async def test_a_failing_probe_mails_nobody(
    client: AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Django logs each 503 as an error, and mails it; probes come every few seconds."""
    caplog.set_level(logging.DEBUG, "django.request")

    response = await client.get("/readyz")

    assert response.status_code == 503
    assert [record.name for record in caplog.records] == []


def test_mounting_them_mounts_nothing_else() -> None:
    """The status page is not switched on by the probes."""
    assert [pattern.name for pattern in urls.urlpatterns] == ["livez", "readyz"]


# --- Where


def test_under_wsgi(registry: Registry) -> None:
    """Async views run on the lifespan's loop, as with Django's own test client."""
    threads: list[str] = []

    async def _check(_: object) -> None:
        threads.append(asyncio.get_running_loop().__class__.__name__)

    declare(registry, _check)

    with LifespanClient(registry) as client:
        ready, alive = client.get("/readyz"), client.get("/livez")

    assert (ready.status_code, alive.status_code) == (200, 200)
    assert entry(ready.json(), "db") == {**OK, "was asked": True}
    assert len(threads) == 1


def test_under_wsgi_without_a_lifespan() -> None:
    """Django's own handler: alive, and not ready."""
    ready, alive = Client().get("/readyz"), Client().get("/livez")
    statuses: list[str] = []

    WSGIHandler()(
        RequestFactory().get("/readyz").environ,
        lambda status, _headers: statuses.append(status),
    ).close()

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert statuses == ["503 Service Unavailable"]


async def test_each_loop_answers_for_itself(registry: Registry) -> None:
    """Threads with loops of their own, of which one has lost its backend."""
    lost: set[asyncio.AbstractEventLoop] = set()

    async def _check(_: object) -> bool:
        return asyncio.get_running_loop() not in lost

    async def serve(*, loses: bool) -> int:
        if loses:
            lost.add(asyncio.get_running_loop())
        async with Lifespan(registry):
            response = await AsyncClient().get("/readyz")
        return response.status_code

    declare(registry, _check)
    served = await asyncio.gather(
        *(
            asyncio.to_thread(asyncio.run, serve(loses=loses))
            for loses in (False, True, False)
        )
    )

    assert served == [200, 503, 200]


async def test_through_the_handler(registry: Registry) -> None:
    """As a server calls it: the lifespan that the server sends is the one asked."""
    declare(registry, lambda _: True)
    application: Any = LifespanASGIHandler(registry)

    async with LifespanManager(application) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver"
        ) as client:
            ready, alive = await client.get("/readyz"), await client.head("/livez")

    assert (ready.status_code, alive.status_code) == (200, 200)
    assert entry(ready.json(), "db") == {**OK, "was asked": True}
