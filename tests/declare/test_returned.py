"""Objects that a factory returns: one rule for ``def`` and ``async def``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import (
    asynccontextmanager,
    closing,
    contextmanager,
    nullcontext,
)
from functools import partial
from itertools import count
from typing import Any

import anyio
import pytest
from typing_extensions import Self

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import InvalidFactory, InvalidValue
from tests.runtime.probes import next_line

declare: Any = lifespan_resource


class Session:
    """Opens and closes as aiohttp's ClientSession does."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    async def __aenter__(self) -> Self:
        self.steps.append("entered")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.steps.append("closed")


class BlockingSession:
    """The same, for sync code; records its threads."""

    def __init__(self) -> None:
        self.steps: list[object] = []

    def __enter__(self) -> Self:
        self.steps.append(threading.current_thread())
        return self

    def __exit__(self, *_: object) -> None:
        self.steps.append(threading.current_thread())


def sync(cls: Callable[[], Any]) -> Callable[[], Any]:
    def factory() -> Any:
        return cls()

    return factory


def coroutine(cls: Callable[[], Any]) -> Callable[[], Any]:
    async def factory() -> Any:
        await asyncio.sleep(0)
        return cls()

    return factory


def returns_coroutine(cls: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: coroutine(cls)()


every_kind = pytest.mark.parametrize("kind", [sync, coroutine, returns_coroutine])


@every_kind
async def test_a_returned_sync_context_manager_stays_in_one_thread(
    kind: Any, registry: Registry
) -> None:
    """In a thread of its own, or in that of the event loop if a coroutine made it."""
    declare("it", registry=registry)(kind(BlockingSession))

    async with Lifespan(registry) as state:
        session = state["it"]

    entered_in, exited_in = session.steps
    assert entered_in is exited_in
    is_on_loop = entered_in is threading.current_thread()
    assert is_on_loop == ("coroutine" in kind.__name__)


@every_kind
async def test_the_value_is_what_entering_gives(kind: Any, registry: Registry) -> None:
    closed: list[int] = []

    @asynccontextmanager
    async def opens() -> AsyncGenerator[int]:
        yield 5
        closed.append(5)

    declare("it", registry=registry)(kind(opens))

    async with Lifespan(registry) as state:
        assert state["it"] == 5
        assert closed == []
    assert closed == [5]


@every_kind
async def test_a_returned_context_manager_of_the_wrong_type_is_exited(
    kind: Any, registry: Registry
) -> None:
    sessions: list[Session] = []

    def make() -> Session:
        sessions.append(Session())
        return sessions[0]

    declare(StateKey[int]("it"), registry=registry)(kind(make))

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()

    assert sessions[0].steps == ["entered", "closed"]


# --- Locks: entering would acquire them


@every_kind
@pytest.mark.parametrize(
    "make",
    [
        asyncio.Lock,
        asyncio.Semaphore,
        asyncio.Condition,
        threading.Lock,
        threading.RLock,
        threading.Condition,
        anyio.Lock,
        partial(anyio.Semaphore, 1),
        partial(anyio.CapacityLimiter, 1),
    ],
)
async def test_a_returned_lock_is_refused(
    make: Any, kind: Any, registry: Registry
) -> None:
    lock = make()
    here = next_line()
    declare("lock", registry=registry)(kind(lambda: lock))

    with pytest.raises(InvalidFactory) as caught:
        await Lifespan(registry).__aenter__()

    problem, location, *fix = str(caught.value).splitlines()
    assert problem == (
        "lifespan resource 'lock' is created by a function or class that returned a "
        f"lock of type {type(lock).__module__}.{type(lock).__qualname__}, which would "
        "be acquired until shutdown"
    )
    assert location.startswith(f"    {here}  ")
    assert fix[0] == "Yield the lock:"


@pytest.mark.parametrize("cls", [asyncio.Lock, threading.Condition])
async def test_a_class_of_locks_is_refused(cls: type, registry: Registry) -> None:
    declare("lock", registry=registry)(cls)

    with pytest.raises(InvalidFactory, match="returned a lock"):
        await Lifespan(registry).__aenter__()


class Pool(Session):
    """A pool of connections, as asyncpg's."""

    async def acquire(self) -> object: ...

    async def release(self, connection: object) -> None: ...

    async def close(self) -> None: ...


async def test_a_pool_that_hands_out_connections_is_no_lock(registry: Registry) -> None:
    declare("pool", registry=registry)(coroutine(Pool))

    async with Lifespan(registry) as state:
        assert state["pool"].steps == ["entered"]


async def test_a_yielded_lock_is_served_as_it_is(registry: Registry) -> None:
    @lifespan_resource("lock", registry=registry)
    async def lock() -> AsyncGenerator[asyncio.Lock]:
        yield asyncio.Lock()

    async with Lifespan(registry) as state:
        assert not state[lock].locked()


@contextmanager
def traced() -> Generator[None]:
    yield


@every_kind
@pytest.mark.parametrize("make", [traced, nullcontext])
async def test_a_context_manager_may_give_none(
    make: Any, kind: Any, registry: Registry
) -> None:
    declare("it", registry=registry)(kind(make))

    async with Lifespan(registry) as state:
        assert state["it"] is None


# --- Generators and coroutines that a coroutine function returns


async def opens() -> AsyncGenerator[int]:
    yield 5


def blocks() -> Generator[int]:
    yield 5


async def fetches() -> int:
    return 5


@pytest.mark.parametrize(
    ("make", "problem", "advice"),
    [
        (opens, "generator opens()", "Decorate opens itself, or yield its value"),
        (blocks, "generator blocks()", "Decorate blocks itself, or yield its value"),
        (
            fetches,
            "coroutine fetches()",
            "Write await before the call of fetches",
        ),
    ],
)
async def test_a_returned_generator_or_coroutine_is_refused(
    make: Any, problem: str, advice: str, registry: Registry
) -> None:
    async def wrapper() -> Any:
        return make()

    here = next_line()
    declare("it", registry=registry)(wrapper)

    with pytest.raises(InvalidFactory) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resource 'it' is created by a coroutine function that returned the "
        f"{problem}\n"
        f'    {here}  declare("it", registry=registry)(wrapper)\n'
        f"{advice}:\n"
        '    @lifespan_resource("it")\n'
        "    async def wrapper() -> AsyncGenerator[SomeType]:\n"
        "        yield ..."
    )


@pytest.mark.parametrize("make", [opens, blocks])
async def test_def_may_return_a_generator(make: Any, registry: Registry) -> None:
    declare("it", registry=registry)(lambda: make())

    async with Lifespan(registry) as state:
        assert state["it"] == 5


async def test_an_iterator_is_a_value(registry: Registry) -> None:
    async def numbers() -> Iterator[int]:
        return count(1)

    declare("it", registry=registry)(numbers)

    async with Lifespan(registry) as state:
        assert next(state["it"]) == 1


# --- Objects that nothing closes


class Connection:
    """Closes as asyncpg's Connection does."""

    async def close(self) -> None: ...


class Client:
    """Has both methods, as redis-py's did."""

    async def aclose(self) -> None: ...

    def close(self) -> None: ...


class Channel:
    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("cls", "call"),
    [
        (Connection, "await value.close()"),
        (Client, "await value.aclose()"),
        (Channel, "value.close()"),
    ],
)
async def test_an_object_that_nothing_closes_draws_a_warning(
    cls: Any, call: str, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async def connection(_address: str) -> Any:
        return cls()

    address = StateKey[str]("address")
    declare(StateKey[str]("address"), registry=registry)(lambda: nullcontext("a"))
    here = next_line()
    declare("it", needs=(address,), registry=registry)(connection)

    async with Lifespan(registry) as state:
        assert type(state["it"]) is cls

    (warning,) = [each for each in caplog.records if each.levelname == "WARNING"]
    assert warning.getMessage() == (
        f"lifespan resource 'it' returns a value of type {__name__}.{cls.__name__}, "
        "which is never closed\n"
        f'    {here}  declare("it", needs=(address,), registry=registry)(connection)\n'
        "To close it at shutdown, yield it:\n"
        '    @lifespan_resource("it", needs=...)\n'
        "    async def connection(_address) -> AsyncGenerator[SomeType]:\n"
        "        value = ...\n"
        "        try:\n"
        "            yield value\n"
        "        finally:\n"
        f"            {call}"
    )


@pytest.mark.parametrize("value", [{}, None, Channel, Session(), closing(Channel())])
async def test_what_is_closed_or_cannot_be_draws_no_warning(
    value: Any, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async def it() -> Any:
        return value

    declare("it", registry=registry)(it)

    async with Lifespan(registry):
        pass

    assert [each for each in caplog.records if each.levelname == "WARNING"] == []
