"""Factories that do not produce exactly one value, and errors in the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterator,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import product
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed.exceptions import InvalidFactory
from tests.runtime.probes import Probes, assert_closed, next_line

declare: Any = lifespan_resource
kinds = pytest.mark.parametrize("kind", ["async", "blocking"])


def blocking(factory: Callable[[], AsyncGenerator[Any]]) -> Callable[[], Iterator[Any]]:
    """Return a generator function that does what *factory*, which never waits, does."""

    def drive(step: Any) -> Any:
        try:
            step.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("it waits")

    def generator() -> Iterator[Any]:
        source = factory()
        step = source.__anext__()
        while True:
            try:
                value = drive(step)
            except StopAsyncIteration:
                return
            try:
                yield value
            except GeneratorExit:
                drive(source.aclose())
                raise
            except BaseException as error:
                step = source.athrow(error)
            else:
                step = source.__anext__()

    return generator


def made(kind: str, factory: Callable[[], AsyncGenerator[Any]]) -> Callable[[], Any]:
    return factory if kind == "async" else blocking(factory)


async def never() -> AsyncGenerator[int]:
    for number in ():
        yield number


async def no_yield() -> AsyncIterator[int]:
    """A coroutine function, because the yield is missing."""
    return None  # type: ignore[return-value]


def plain() -> Any:
    return 5


ENDED = "is created by a generator that ended without a yield"


@pytest.mark.parametrize(
    ("factory", "problem", "advice", "head"),
    [
        (
            plain,
            "is created by a plain function that returned int",
            "Yield the value once, or return it from async def",
            "plain() -> AsyncGenerator[SomeType]",
        ),
        (never, ENDED, "Yield the value once", "never() -> AsyncGenerator[int]"),
        (
            blocking(never),
            ENDED,
            "Yield the value once",
            "generator() -> AsyncGenerator[SomeType]",
        ),
        (
            no_yield,
            "is annotated as a generator, and has no yield",
            "Yield the value",
            "no_yield() -> AsyncGenerator[int]",
        ),
    ],
    ids=lambda case: getattr(case, "__name__", None),
)
async def test_a_factory_without_a_value_fails_the_start(
    factory: Callable[[], Any],
    problem: str,
    advice: str,
    head: str,
    *,
    registry: Registry,
    probes: Probes,
) -> None:
    probes.add("before")
    here = next_line()
    declare("it", registry=registry)(factory)

    with pytest.raises(InvalidFactory) as caught:
        await Lifespan(registry).__aenter__()

    assert isinstance(caught.value, TypeError)
    assert str(caught.value) == (
        f"lifespan resource 'it' {problem}\n"
        f'    {here}  declare("it", registry=registry)(factory)\n'
        f"{advice}:\n"
        '    @lifespan_resource("it")\n'
        f"    async def {head}:\n"
        "        yield ..."
    )
    assert_closed(*probes.all())


@kinds
async def test_a_second_yield_is_an_error_at_shutdown(
    kind: str, registry: Registry, probes: Probes
) -> None:
    closed: list[int] = []

    async def twice() -> AsyncGenerator[int]:
        yield 1
        try:
            yield 2
        finally:
            closed.append(2)

    probes.add("before")
    declare("it", registry=registry)(made(kind, twice))

    with pytest.raises(InvalidFactory) as caught:
        await probes.run()

    assert caught.value.problem == "is created by a generator that yielded twice"
    assert probes.phases() == {"before": "stopped", "it": "failed"}
    assert_closed(*probes.all())
    assert closed == [2]


@kinds
async def test_a_yield_after_an_error_is_a_second_one(
    kind: str, registry: Registry
) -> None:
    async def again() -> AsyncGenerator[int]:
        try:
            yield 1
        except ValueError:
            yield 2

    resource = declare("it", registry=registry)(made(kind, again))

    with pytest.raises(InvalidFactory, match="yielded twice"):
        async with resource.open():
            raise ValueError("in the block")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        *product(
            ["async", "blocking"], [ValueError(), RuntimeError(), StopIteration()]
        ),
        ("async", StopAsyncIteration()),
    ],
)
async def test_an_error_in_the_block_passes_through_the_factory(
    kind: str, error: Exception, registry: Registry
) -> None:
    """contextlib has the same rules, also for exceptions that end generators."""
    seen: list[BaseException] = []

    async def watches() -> AsyncGenerator[int]:
        try:
            yield 1
        except BaseException as raised:
            seen.append(raised)
            raise

    resource = declare("it", registry=registry)(made(kind, watches))

    with pytest.raises(type(error)) as caught:
        async with resource.open():
            raise error

    assert caught.value is error
    assert error in [seen[0], seen[0].__cause__]


@kinds
async def test_a_factory_may_replace_or_swallow_an_error(
    kind: str, registry: Registry
) -> None:
    async def replaces() -> AsyncGenerator[int]:
        with suppress(KeyError):
            try:
                yield 1
            except ValueError as error:
                raise LookupError("replaced") from error

    resource = declare("it", registry=registry)(made(kind, replaces))

    with pytest.raises(LookupError, match="replaced"):
        async with resource.open():
            raise ValueError("in the block")
    async with resource.open():
        raise KeyError("in the block")


@pytest.mark.parametrize("times", [0, 2])
@pytest.mark.parametrize("use", ["as the factory", "in the factory"])
async def test_errors_of_contextlib_are_raised_unchanged(
    use: str, times: int, registry: Registry
) -> None:
    @asynccontextmanager
    async def library() -> AsyncGenerator[int]:
        for number in range(times):
            yield number

    async def factory() -> AsyncGenerator[int]:
        async with library() as value:
            yield value

    declare("it", registry=registry)(library if use == "as the factory" else factory)

    with pytest.raises(RuntimeError, match=r"^generator didn't") as caught:
        async with Lifespan(registry):
            pass

    assert "lifespan resource 'it'" in caught.value.__notes__[0]


@pytest.mark.parametrize("method", ["__aenter__", "__enter__"])
async def test_an_error_of_a_constructor_fails_the_start(
    method: str, registry: Registry
) -> None:
    def fail(_: object) -> None:
        raise ValueError("no address")

    client = type("Client", (), {"__init__": fail, method: fail})
    declare("it", registry=registry)(client)

    with pytest.raises(ValueError, match="no address"):
        await Lifespan(registry).__aenter__()


async def test_a_task_or_thread_is_named_after_its_resource(registry: Registry) -> None:
    @contextmanager
    def blocks() -> Generator[str]:
        yield threading.current_thread().name

    async def awaits() -> str:
        task: Any = asyncio.current_task()
        return str(task.get_name())

    declare("generator", registry=registry)(blocks)
    declare("returned", registry=registry)(lambda: blocks())
    declare("async", registry=registry)(awaits)

    async with Lifespan(registry) as state:
        assert dict(state) == {name: f"lifespan {name}" for name in state}


async def test_a_thread_that_cannot_start_fails_the_start_at_once(
    registry: Registry, probes: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes.add("before")

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    declare("it", registry=registry)(blocking(never))
    monkeypatch.setattr(threading.Thread, "start", refused)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        await Lifespan(registry).__aenter__()

    assert_closed(*probes.all())
