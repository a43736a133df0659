"""Code that the four type checkers accept, and the types that they infer."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    MutableMapping,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from io import TextIOWrapper
from typing import Any, Literal, Protocol

import httpx
from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
    Scope as AsgirefScope,
)
from django.http import HttpRequest
from django.test import TestCase
from starlette.applications import Starlette
from starlette.routing import Mount
from typing_extensions import Self, assert_type

from django_lifespan_typed import (
    Lifespan,
    LifespanRequest,
    LifespanState,
    LifespanTask,
    Registry,
    Resource,
    StateKey,
    TaskRecord,
    current_state,
    get_state,
    lifespan_resource,
    lifespan_task,
    run_asgi_lifespan,
)
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.locks import FileLock, Lock, UntilLost
from django_lifespan_typed.middleware import AsyncMiddleware, LifespanStateMiddleware
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.signals import asgi_lifespan, asgi_shutdown, asgi_startup
from django_lifespan_typed.testing import (
    LifespanAsyncClient,
    LifespanAwareAsyncClient,
    LifespanClient,
    LifespanTestCase,
    LifespanTestRunner,
    OverrideState,
    override_state,
)
from django_lifespan_typed.types import LifespanManager, State


class Repo:
    def __init__(self, http: httpx.AsyncClient) -> None: ...


class RepoOf:
    """A context manager that is given a client, and enters as a repo."""

    def __init__(self, http: httpx.AsyncClient) -> None: ...

    async def __aenter__(self) -> Repo:
        return Repo(httpx.AsyncClient())

    async def __aexit__(self, *_: object) -> None: ...


class Cache(Protocol):
    def get(self, key: str) -> bytes | None: ...


class MemoryCache:
    def get(self, key: str) -> bytes | None: ...


# --- keys
HTTP = StateKey[httpx.AsyncClient]("http")
CACHE = StateKey[Cache]("cache")
HOOK = StateKey[Callable[[int], str]]("hook")
MAYBE = StateKey[int | None]("maybe")
assert_type(HTTP, StateKey[httpx.AsyncClient])
assert_type(CACHE, StateKey[Cache])
assert_type(HTTP.name, str)
assert_type(HTTP.module, str)
assert_type(HTTP.value_type, "object | None")


# --- factories, by name: every shape
@lifespan_resource("http_agen")
async def http_agen() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with httpx.AsyncClient() as client:
        yield client


@lifespan_resource("http_aiter")
async def http_aiter() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@lifespan_resource("gen")
def gen() -> Generator[int, None, None]:
    yield 1


@lifespan_resource("iter")
def iter_() -> Iterator[int]:
    yield 1


@lifespan_resource("coro")
async def coro() -> Repo:
    return Repo(httpx.AsyncClient())


@lifespan_resource("coro_of_client")
async def coro_of_client() -> httpx.AsyncClient:
    return httpx.AsyncClient()


@lifespan_resource("coro_entered")
async def coro_entered() -> RepoOf:
    return RepoOf(httpx.AsyncClient())


@lifespan_resource("coro_acm")
async def coro_acm() -> AbstractAsyncContextManager[Repo]:
    return RepoOf(httpx.AsyncClient())


@lifespan_resource("coro_cm")
async def coro_cm() -> TextIOWrapper:
    return open("x")


@lifespan_resource("coro_any")
async def coro_any() -> Any:
    return None


@lifespan_resource("acm")
@asynccontextmanager
async def acm() -> AsyncGenerator[Repo]:
    yield Repo(httpx.AsyncClient())


@lifespan_resource("cm")
@contextmanager
def cm() -> Generator[Repo]:
    yield Repo(httpx.AsyncClient())


@lifespan_resource("returns_acm")
def returns_acm() -> AbstractAsyncContextManager[Repo]:
    return repo.open(httpx.AsyncClient())


assert_type(http_agen, Resource[httpx.AsyncClient])
assert_type(http_aiter, Resource[httpx.AsyncClient])
assert_type(gen, Resource[int])
assert_type(iter_, Resource[int])
assert_type(coro, Resource[Repo])
assert_type(coro_of_client, Resource[httpx.AsyncClient])
assert_type(coro_entered, Resource[Repo])
assert_type(coro_acm, Resource[Repo])
assert_type(coro_cm, Resource[TextIOWrapper])
assert_type(coro_any, Resource[Any])
assert_type(acm, Resource[Repo])
assert_type(cm, Resource[Repo])
assert_type(returns_acm, Resource[Repo])


# --- factories, by name: classes, lambdas, bound methods, pools
class AsyncConnection:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Entered: ...


class Connection:
    """Enters as something else than itself."""

    def __enter__(self) -> Entered:
        return Entered()

    def __exit__(self, *_: object) -> None: ...


class Pool:
    """Awaitable, and an async context manager: as asyncpg's ``create_pool()``."""

    def __await__(self) -> Generator[Any, None, Pool | None]:
        yield
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def create_pool(dsn: str = "", *, size: int = 10) -> Pool:
    return Pool()


class Factories:
    async def client(self) -> AsyncGenerator[httpx.AsyncClient]:
        yield httpx.AsyncClient()

    @asynccontextmanager
    async def repo(self, http: httpx.AsyncClient) -> AsyncGenerator[Repo]:
        yield Repo(http)

    @classmethod
    async def cache(cls) -> MemoryCache:
        return MemoryCache()


factories = Factories()

assert_type(
    lifespan_resource("client_class")(httpx.AsyncClient), Resource[httpx.AsyncClient]
)
assert_type(
    lifespan_resource("async_class")(AsyncConnection), Resource[AsyncConnection]
)
assert_type(lifespan_resource("sync_class")(Connection), Resource[Entered])
assert_type(lifespan_resource("file")(lambda: open("x")), Resource[TextIOWrapper])
assert_type(
    lifespan_resource("client_lambda")(lambda: httpx.AsyncClient(timeout=1)),
    Resource[httpx.AsyncClient],
)
assert_type(lifespan_resource("pool")(create_pool), Resource[Pool])
assert_type(lifespan_resource("pool_class")(Pool), Resource[Pool])
assert_type(lifespan_resource("pool_lambda")(lambda: create_pool("x")), Resource[Pool])
assert_type(
    lifespan_resource("pool_partial")(partial(create_pool, "x")), Resource[Pool]
)
assert_type(lifespan_resource("method")(factories.client), Resource[httpx.AsyncClient])
assert_type(
    lifespan_resource("method_needs", needs=(HTTP,))(factories.repo), Resource[Repo]
)
assert_type(lifespan_resource("classmethod")(Factories.cache), Resource[MemoryCache])


# --- factories, by key
@lifespan_resource(HTTP)
async def http_by_key() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@lifespan_resource(CACHE)
async def cache_by_key() -> AsyncIterator[MemoryCache]:  # covariant
    yield MemoryCache()


@lifespan_resource(CACHE)
async def cache_coro() -> MemoryCache:
    return MemoryCache()


@lifespan_resource(HTTP)
async def http_coro_acm() -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return httpx.AsyncClient()


@lifespan_resource(CACHE)
@asynccontextmanager
async def cache_acm() -> AsyncGenerator[MemoryCache]:
    yield MemoryCache()


@lifespan_resource(MAYBE)
async def maybe() -> AsyncGenerator[int | None]:
    yield None


@lifespan_resource(HOOK)
async def hook() -> Callable[[int], str]:
    return str


assert_type(http_by_key, Resource[httpx.AsyncClient])
assert_type(cache_by_key, Resource[Cache])
assert_type(cache_coro, Resource[Cache])
assert_type(cache_acm, Resource[Cache])
assert_type(maybe, Resource[int | None])
assert_type(lifespan_resource(HTTP)(httpx.AsyncClient), Resource[httpx.AsyncClient])
assert_type(lifespan_resource(StateKey[Pool]("p"))(create_pool), Resource[Pool])


# --- needs=
@lifespan_resource("repo", needs=(HTTP,))
async def repo(http: httpx.AsyncClient) -> AsyncIterator[Repo]:
    yield Repo(http)


@lifespan_resource("repo2", needs=(http_agen, gen))
async def repo2(client: httpx.AsyncClient, number: int) -> AsyncIterator[Repo]:
    yield Repo(client)


@lifespan_resource("repo_wider", needs=(http_agen, gen, CACHE))
async def repo_wider(
    client: object, number: float, cache: Cache
) -> AsyncIterator[Repo]:
    yield Repo(httpx.AsyncClient())


REPO = StateKey[Repo]("repo_key")


@lifespan_resource(REPO, needs=(http_agen, gen))
async def repo_by_key(client: httpx.AsyncClient, number: int) -> AsyncIterator[Repo]:
    yield Repo(client)


@lifespan_resource("cm_needs", needs=(HTTP,))
@asynccontextmanager
async def cm_needs(http: httpx.AsyncClient) -> AsyncGenerator[Repo]:
    yield Repo(http)


assert_type(repo, Resource[Repo])
assert_type(repo2, Resource[Repo])
assert_type(repo_wider, Resource[Repo])
assert_type(repo_by_key, Resource[Repo])
assert_type(cm_needs, Resource[Repo])
assert_type(lifespan_resource("class_needs", needs=(HTTP,))(RepoOf), Resource[Repo])


# --- needs=, up to eight of them
S = StateKey[str]("s")
N = StateKey[int]("n")
X = StateKey[float]("x")
Y = StateKey[bytes]("y")
Z = StateKey[complex]("z")


def depends_on_up_to_eight(
    four: Callable[[httpx.AsyncClient, str, int, float], AsyncIterator[Repo]],
    five: Callable[[httpx.AsyncClient, str, int, float, bytes], AsyncIterator[Repo]],
    six: Callable[
        [httpx.AsyncClient, str, int, float, bytes, complex], AsyncIterator[Repo]
    ],
    seven: Callable[
        [httpx.AsyncClient, str, int, float, bytes, complex, Cache], AsyncIterator[Repo]
    ],
    eight: Callable[
        [httpx.AsyncClient, str, int, float, bytes, complex, Cache, Repo],
        AsyncIterator[Repo],
    ],
) -> None:
    needs_four = (HTTP, S, N, X)
    assert_type(lifespan_resource("four", needs=needs_four)(four), Resource[Repo])
    assert_type(lifespan_resource(REPO, needs=needs_four)(four), Resource[Repo])
    needs_five = (HTTP, S, N, X, Y)
    assert_type(lifespan_resource("five", needs=needs_five)(five), Resource[Repo])
    assert_type(lifespan_resource(REPO, needs=needs_five)(five), Resource[Repo])
    needs_six = (HTTP, S, N, X, Y, Z)
    assert_type(lifespan_resource("six", needs=needs_six)(six), Resource[Repo])
    assert_type(lifespan_resource(REPO, needs=needs_six)(six), Resource[Repo])
    needs_seven = (HTTP, S, N, X, Y, Z, CACHE)
    assert_type(lifespan_resource("seven", needs=needs_seven)(seven), Resource[Repo])
    assert_type(lifespan_resource(REPO, needs=needs_seven)(seven), Resource[Repo])
    needs_eight = (HTTP, S, N, X, Y, Z, CACHE, repo)
    assert_type(lifespan_resource("eight", needs=needs_eight)(eight), Resource[Repo])
    assert_type(lifespan_resource(REPO, needs=needs_eight)(eight), Resource[Repo])


# --- options
registry = Registry()


@lifespan_resource("options", registry=registry, start_timeout=2.5, stop_timeout=1)
async def options() -> AsyncGenerator[Repo]:
    yield Repo(httpx.AsyncClient())


@lifespan_resource(
    REPO, needs=(HTTP,), registry=registry, start_timeout=1.0, stop_timeout=None
)
async def key_options(http: httpx.AsyncClient) -> AsyncGenerator[Repo]:
    yield Repo(http)


assert_type(options, Resource[Repo])
assert_type(key_options, Resource[Repo])


# --- health and optional
async def answers(http: httpx.AsyncClient) -> bool:
    return not http.is_closed


def answers_blocking(http: httpx.AsyncClient) -> None: ...


def answers_for_any_value(value: object) -> None: ...


@lifespan_resource("checked", optional=True)
async def checked() -> AsyncGenerator[httpx.AsyncClient]:
    yield httpx.AsyncClient()


checked.health(answers)
checked.health(answers_blocking)
checked.health(answers_for_any_value)
checked.health(lambda http: not http.is_closed)


@options.health
async def lasts(repo: Repo) -> None: ...


@checked.health
def lasts_too(http: httpx.AsyncClient) -> bool:
    return not http.is_closed


assert_type(checked, Resource[httpx.AsyncClient])
assert_type(lasts_too(httpx.AsyncClient()), bool)
assert_type(checked.optional, bool)


async def asked(lifespan: Lifespan) -> None:
    for record in await lifespan.health():
        assert_type(record.seconds, float | None)
        assert_type(record.error, BaseException | None)
    assert_type(lifespan.is_stopping, bool)


# --- reading
class Consumer:
    """As in Channels: what has a scope."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope


def view(request: HttpRequest, fallback: str) -> None:
    assert_type(get_state(request, HTTP), httpx.AsyncClient)
    assert_type(get_state(request, http_agen), httpx.AsyncClient)
    assert_type(get_state(request, repo), Repo)
    assert_type(get_state(request, CACHE), Cache)
    assert_type(get_state(request, HTTP, None), "httpx.AsyncClient | None")
    assert_type(get_state(request, gen, fallback), "int | str")
    assert_type(get_state(request, HOOK)(1), str)
    assert_type(get_state(request, MAYBE), "int | None")


def typed_view(request: LifespanRequest, fallback: str) -> None:
    assert_type(request.state, LifespanState)
    assert_type(request.state[HTTP], httpx.AsyncClient)
    assert_type(request.state[repo], Repo)
    assert_type(request.state["legacy"], Any)
    assert_type(request.state.get(HTTP), "httpx.AsyncClient | None")
    assert_type(request.state.get(gen, fallback), "int | str")
    assert_type(HTTP in request.state, bool)
    assert_type("legacy" in request.state, bool)
    assert_type(get_state(request, HTTP), httpx.AsyncClient)


def scopes(
    scope: dict[str, Any], mapping: MutableMapping[str, Any], consumer: Consumer
) -> None:
    assert_type(get_state(scope, HTTP), httpx.AsyncClient)
    assert_type(get_state(mapping, repo), Repo)
    assert_type(get_state(scope, HTTP, None), "httpx.AsyncClient | None")
    assert_type(get_state(consumer, HTTP), httpx.AsyncClient)
    assert_type(get_state(consumer, repo, None), "Repo | None")


def without_request() -> None:
    assert_type(current_state(), LifespanState)
    assert_type(current_state()[HTTP], httpx.AsyncClient)
    assert_type(current_state()[repo], Repo)


def takes_mapping(state: MutableMapping[str, Any]) -> None: ...


def state_is_a_mapping(state: LifespanState) -> None:
    takes_mapping(state)
    state["legacy"] = 1
    state.update(legacy=2)
    del state["legacy"]
    assert_type(list(state), list[str])
    takes_mapping({**state})


# --- running
async def doubled(number: int, *, plus: int = 0) -> int:
    return number * 2 + plus


def blocking(lifespan: Lifespan) -> None:
    with lifespan as state:
        assert_type(state, LifespanState)
        assert_type(state[repo], Repo)
    assert_type(lifespan.call(doubled, 2, plus=1), int)


def serving(django_app: LifespanASGIHandler) -> None:
    assert_type(with_lifespan(django_app, registry), with_lifespan)
    with_lifespan(Starlette())


async def running() -> None:
    async with Lifespan() as state:
        assert_type(state, LifespanState)
        assert_type(state[repo], Repo)
    async with Lifespan(registry, only=(REPO, options)) as state:
        assert_type(state[REPO], Repo)
    async with http_agen.open() as client:
        assert_type(client, httpx.AsyncClient)
    async with repo.open(httpx.AsyncClient()) as opened:
        assert_type(opened, Repo)


async def foreign_app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None: ...


async def running_another() -> None:
    async with run_asgi_lifespan(foreign_app) as state:
        takes_mapping(state)
    async with run_asgi_lifespan(Starlette()) as state:
        takes_mapping(state)


foreign = lifespan_resource("foreign")(lambda: run_asgi_lifespan(Starlette()))

application = get_asgi_application()
assert_type(application, LifespanASGIHandler)
assert_type(LifespanASGIHandler(registry), LifespanASGIHandler)
assert_type(get_asgi_application(registry), LifespanASGIHandler)


# --- as django-asgi-lifespan spells it
@asynccontextmanager
async def manager() -> LifespanManager:
    async with httpx.AsyncClient() as client:
        yield {"client": client}


@asynccontextmanager
async def manager_spelled_out() -> AsyncGenerator[State, None]:
    yield {"client": 1}


def receiver(**kwargs: Any) -> Callable[[], AbstractAsyncContextManager[State]]:
    return manager


register_lifespan_manager(context_manager=manager)
register_lifespan_manager(context_manager=manager_spelled_out, registry=registry)
asgi_lifespan.connect(receiver)
asgi_startup.connect(receiver)
asgi_shutdown.disconnect(receiver)
middleware: type[LifespanStateMiddleware] = AsyncMiddleware


# --- in tests
class FakeHttp(httpx.AsyncClient): ...


def overridden() -> None:
    with override_state(HTTP, httpx.AsyncClient()) as client:
        assert_type(client, httpx.AsyncClient)
    with override_state(HTTP, FakeHttp()):
        pass
    with override_state(CACHE, MemoryCache()):
        pass
    with override_state(options, Repo(FakeHttp())) as made:
        assert_type(made, Repo)


async def overridden_in_async_code() -> None:
    async with override_state(HTTP, httpx.AsyncClient()) as client:
        assert_type(client, httpx.AsyncClient)


@override_state(HTTP, FakeHttp())
def test_sync(number: int) -> str:
    return str(number)


@override_state(HTTP, FakeHttp())
async def test_async(number: int) -> str:
    return str(number)


assert_type(test_sync(1), str)


async def calling_what_is_overridden() -> None:
    assert_type(await test_async(1), str)


@override_state(CACHE, MemoryCache())
class ShopTests(LifespanTestCase, TestCase):
    only = (HTTP, options)

    def test_it(self) -> None:
        assert_type(self.state[HTTP], httpx.AsyncClient)
        assert_type(self.lifespan, Lifespan)
        assert_type(self.client.get("/").status_code, int)

    @override_state(HTTP, FakeHttp())
    async def test_async(self) -> None:
        assert_type(get_state({}, options), Repo)


assert_type(ShopTests("test_it").state, LifespanState)


class ShopTestRunner(LifespanTestRunner):
    only = (HTTP, options)

    @classmethod
    def overrides(cls) -> list[override_state[Any]]:
        return [override_state(HTTP, FakeHttp())]


def fixture(override_state: OverrideState) -> None:
    assert_type(override_state(HTTP, httpx.AsyncClient()), httpx.AsyncClient)
    override_state(CACHE, MemoryCache())


async def clients() -> None:
    with LifespanClient(registry, only=(HTTP,)) as client:
        assert_type(client, LifespanClient)
    async with LifespanAsyncClient(enforce_csrf_checks=True) as async_client:
        assert_type(async_client, LifespanAsyncClient)
    LifespanAwareAsyncClient(state={"http": FakeHttp()}, headers={"x-given": "yes"})


# --- Applications, as others annotate them


async def in_a_wrapper(
    scope: AsgirefScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None:
    await get_asgi_application()(scope, receive, send)
    await with_lifespan(get_asgi_application())(scope, receive, send)


def of_asgiref() -> tuple[ASGI3Application, ASGI3Application]:
    return get_asgi_application(), with_lifespan(in_a_wrapper)


def of_starlette() -> Starlette:
    return Starlette(routes=[Mount("/", get_asgi_application())])


def of_httpx() -> tuple[httpx.ASGITransport, httpx.ASGITransport]:
    handler = get_asgi_application()
    return httpx.ASGITransport(handler), httpx.ASGITransport(with_lifespan(handler))


# --- background tasks
@lifespan_task("no_needs")
async def no_needs() -> None: ...


@lifespan_task("feed", needs=(HTTP, CACHE), restart="always", backoff=(1, 60))
async def feed(http: httpx.AsyncClient, cache: Cache) -> None: ...


@lifespan_task("rates", needs=(HTTP,), every=60, stop_timeout=5, optional=True)
async def rates(http: httpx.AsyncClient) -> int:
    return 1


@lifespan_task(
    "many", needs=(HTTP, CACHE, HTTP, CACHE, HTTP, CACHE, HTTP, CACHE), every=0.5
)
async def many(
    a: httpx.AsyncClient,
    b: Cache,
    c: httpx.AsyncClient,
    d: Cache,
    e: httpx.AsyncClient,
    f: Cache,
    g: httpx.AsyncClient,
    h: Cache,
) -> None: ...


class LeaseLock(Lock):
    @asynccontextmanager
    async def hold(self, name: str, *needs: Any) -> AsyncGenerator[UntilLost | None]:
        yield None


@lifespan_task("on_sqlite", exclusive=FileLock())
async def on_sqlite() -> None: ...


async def takes_object(http: object) -> None: ...


lifespan_task("own_lock", exclusive=LeaseLock(), registry=Registry())(no_needs.run)
lifespan_task("wider", needs=(HTTP,))(takes_object)

assert_type(no_needs, LifespanTask[[]])
assert_type(feed.restart, Literal["on_failure", "always", "never"])


async def uses_tasks(request: LifespanRequest, http: httpx.AsyncClient) -> None:
    assert_type(get_state(request, feed), TaskRecord)
    assert_type(current_state()[feed], TaskRecord)
    assert_type(get_state(request, feed).restarts, int)
    assert_type(await rates.run(http), None)
    await feed.run(http, MemoryCache())
    await no_needs.run()
    phase: str = get_state(request, rates).phase
    with override_state(feed, TaskRecord("finished")):
        ...
    async with Lifespan(only=(feed, rates), run_tasks=True):
        ...
    (status,) = Lifespan().status()
    assert_type(status.task, "TaskRecord | None")


@lifespan_resource("reader", needs=(feed,))
async def reader(record: TaskRecord) -> AsyncIterator[str]:
    yield record.phase
