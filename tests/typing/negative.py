"""Code that the four type checkers reject: every line marked ``# E``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
from django.http import HttpRequest

from django_lifespan_typed import (
    Lifespan,
    LifespanRequest,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
    lifespan_task,
)
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.testing import (
    LifespanAsyncClient,
    LifespanAwareAsyncClient,
    LifespanClient,
    LifespanTestCase,
    LifespanTestRunner,
    OverrideState,
    override_state,
)

HTTP = StateKey[httpx.AsyncClient]("http")
N = StateKey[int]("n")


# --- the value
@lifespan_resource(HTTP)  # E
async def wrong_value() -> AsyncIterator[int]:
    yield 1


@lifespan_resource(HTTP)  # E
@asynccontextmanager
async def wrong_value_cm() -> AsyncGenerator[int]:
    yield 1


@lifespan_resource("plain")  # E
def plain() -> int:
    return 1


# --- the needs
@lifespan_resource("dangling")  # E
async def dangling(http: httpx.AsyncClient) -> AsyncIterator[int]:
    yield 1


@lifespan_resource("a", needs=(HTTP,))  # E
async def wrong_arg(http: int) -> AsyncIterator[int]:
    yield 1


@lifespan_resource("b", needs=(HTTP, N))  # E
async def swapped(n: int, http: httpx.AsyncClient) -> AsyncIterator[int]:
    yield 1


@lifespan_resource("c", needs=(HTTP, N))  # E
async def too_few(http: httpx.AsyncClient) -> AsyncIterator[int]:
    yield 1


@lifespan_resource("d", needs=(HTTP,))  # E
async def too_many(http: httpx.AsyncClient, n: int) -> AsyncIterator[int]:
    yield 1


@lifespan_resource(N, needs=(HTTP,))  # E
async def wrong_arg_by_key(http: str) -> AsyncIterator[int]:
    yield 1


@lifespan_resource("e", needs=(N, N, N, N))  # E
async def wrong_fourth(a: int, b: int, c: int, d: str) -> AsyncIterator[int]:
    yield 1


@lifespan_resource("f", needs=(N, N, N, N, N, N, N, HTTP))  # E
async def wrong_eighth(
    a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: str
) -> AsyncIterator[int]:
    yield 1


@lifespan_resource(N, needs=(N, N, N, N, N, N, N, HTTP))  # E
async def wrong_eighth_by_key(
    a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: str
) -> AsyncIterator[int]:
    yield 1


class Factories:
    async def number(self, http: httpx.AsyncClient) -> AsyncIterator[int]:
        yield 1


lifespan_resource("lambda")(lambda: 1)  # E
lifespan_resource("class")(object)  # E
lifespan_resource("method")(Factories().number)  # E
lifespan_resource("method", needs=(N,))(Factories().number)  # E
lifespan_resource(N)(httpx.AsyncClient)  # E


# --- the arguments
lifespan_resource(3)  # E
lifespan_resource("x", needs=("http",))  # E
lifespan_resource("x", needs=[HTTP])  # E
lifespan_resource("x", needs=HTTP)  # E
lifespan_resource("x", start_timeout="5")  # E
lifespan_resource("x", registry="default")  # E
lifespan_resource("x", (HTTP,))  # E
lifespan_resource(N, stop_timeout="5")  # E
register_lifespan_manager(context_manager=1)  # E
StateKey[int](1)  # E
Lifespan("registry")  # E
Lifespan(only=("http",))  # E
Registry().add(N)  # E


# --- health and optional
def of_http(http: httpx.AsyncClient) -> bool:
    return True


async def of_number(number: int) -> bool:
    return True


def of_two(number: int, other: int) -> bool:
    return True


@lifespan_resource("number")
async def number() -> AsyncIterator[int]:
    yield 1


lifespan_resource("x", optional="yes")  # E
lifespan_resource(N, optional=1)  # E
number.health(of_http)  # E
number.health(of_two)  # E
number.health(3)  # E


@number.health  # E
def of_text(text: str) -> bool:
    return True


# --- reading
def view(request: HttpRequest) -> None:
    get_state(request, "http")  # E
    a: int = get_state(request, HTTP)  # E
    b: httpx.AsyncClient = get_state(request, HTTP, None)  # E
    get_state("request", HTTP)  # E
    k: StateKey[object] = HTTP  # E


def typed_view(request: LifespanRequest) -> None:
    a: int = request.state[HTTP]  # E
    b: httpx.AsyncClient = request.state.get(HTTP)  # E
    c: int = current_state()[HTTP]  # E
    d = request.state.http  # E


async def running() -> None:
    async with Lifespan() as state:
        a: int = state[HTTP]  # E


async def doubled(number: int) -> int:
    return number * 2


def blocking(lifespan: Lifespan) -> None:
    with lifespan as state:
        a: int = state[HTTP]  # E
    lifespan.call(doubled, "2")  # E
    lifespan.call(doubled)  # E
    b: str = lifespan.call(doubled, 2)  # E
    lifespan.call(print, 2)  # E


# --- in tests
override_state(HTTP, 1)  # E
override_state(HTTP, "not a client")  # E
override_state(HTTP, None)  # E
override_state(N, "1")  # E
override_state("http", 1)  # E
override_state(HTTP)  # E
override_state(number, "1")  # E


@override_state(HTTP, 1)  # E
async def test_search() -> None: ...


@override_state(N, 1)
def test_number(number: int) -> str:
    return str(number)


test_number("1")  # E


class ShopTests(LifespanTestCase):
    only = ("http",)  # E

    def test_it(self) -> None:
        a: int = self.state[HTTP]  # E


class ShopTestRunner(LifespanTestRunner):
    only = ("http",)  # E

    @classmethod
    def overrides(cls) -> list[override_state[httpx.AsyncClient]]:
        return [override_state(HTTP, "a client")]  # E


def fixture(override_state: OverrideState) -> None:
    override_state(HTTP, 1)  # E
    override_state(N, "1")  # E
    b: str = override_state(N, 1)  # E


LifespanClient("registry")  # E
LifespanClient(only=("http",))  # E
LifespanAsyncClient(only=HTTP)  # E
LifespanAwareAsyncClient(state=1)  # E
LifespanAwareAsyncClient()  # E


# --- background tasks
@lifespan_task("plain_task")  # E
def plain_task() -> None: ...


@lifespan_task("generator")  # E
async def generator() -> AsyncIterator[int]:
    yield 1


@lifespan_task("no_needs")  # E
async def no_needs(http: httpx.AsyncClient) -> None: ...


@lifespan_task("swapped_needs", needs=(HTTP, N))  # E
async def swapped_needs(n: int, http: httpx.AsyncClient) -> None: ...


@lifespan_task("missing_parameter", needs=(HTTP, N))  # E
async def missing_parameter(http: httpx.AsyncClient) -> None: ...


@lifespan_task("wrong_last_need", needs=(N, N, N, N, N, N, N, HTTP))  # E
async def wrong_last_need(
    a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int
) -> None: ...


@lifespan_task("task", needs=(HTTP,))
async def task(http: httpx.AsyncClient) -> None: ...


async def uses_tasks(request: LifespanRequest, http: httpx.AsyncClient) -> None:
    number: int = get_state(request, task)  # E
    await task.run()  # E
    await task.run(1)  # E
    with override_state(task, "a fake"):  # E
        ...


lifespan_task(N)  # E
lifespan_task("it", restart="sometimes")  # E
lifespan_task("it", backoff=5)  # E
lifespan_task("it", backoff=(1, 2, 3))  # E
lifespan_task("it", every="60")  # E
lifespan_task("it", exclusive="a lock")  # E
lifespan_task("it", needs=HTTP)  # E
