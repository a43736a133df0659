"""Factories that give no value, or more than one."""

from __future__ import annotations

import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Iterator,
)
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed.exceptions import InvalidFactory

from .probes import Probes, assert_closed, next_line, phases

declare: Any = lifespan_resource

ADVICE = (
    "Yield the value once:\n"
    '    @lifespan_resource("it")\n'
    "    async def it() -> AsyncGenerator[SomeType]:\n"
    "        async with ... as value:\n"
    "            yield value"
)
OF_A_PLAIN_ONE = ADVICE.replace(
    "Yield the value once:",
    "Write async def where there is nothing to close, or yield the value:",
)


async def never_async() -> AsyncIterator[int]:
    if never_async is None:
        yield 1


def never() -> Iterator[int]:
    yield from ()


async def forgotten() -> AsyncGenerator[int]:  # type: ignore[return]
    """A coroutine function, for want of a yield."""


async def forgotten_iterator() -> AsyncIterator[int]:  # type: ignore[return]
    """As it is often annotated."""


def twice_async(closed: list[int]) -> Callable[[], AsyncGenerator[int]]:
    async def factory() -> AsyncGenerator[int]:
        yield 1
        try:
            yield 2
        finally:
            closed.append(2)

    return factory


def twice(closed: list[int]) -> Callable[[], Iterator[int]]:
    def factory() -> Iterator[int]:
        yield 1
        try:
            yield 2
        finally:
            closed.append(2)

    return factory


def plain() -> int:
    return 5


class Value:
    """A class that makes a plain value."""


class NeverAny:
    """An iterator without items."""

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


@pytest.mark.parametrize(
    ("factory", "problem"),
    [
        pytest.param(
            plain, "is made by a plain function, which returned int", id="function"
        ),
        pytest.param(
            lambda: None, "is made by a plain function, which returned NoneType", id="λ"
        ),
        pytest.param(
            Value, "is made by a plain function, which returned Value", id="class"
        ),
        pytest.param(
            lambda: plain,
            "is made by a plain function, which returned function",
            id="a function that returns a function",
        ),
        pytest.param(
            never_async,
            "is made by a generator that ended without a yield",
            id="async generator that never yields",
        ),
        pytest.param(
            never,
            "is made by a generator that ended without a yield",
            id="generator that never yields",
        ),
        pytest.param(
            forgotten,
            "is annotated as a generator, and has no yield",
            id="coroutine function for want of a yield",
        ),
        pytest.param(
            forgotten_iterator,
            "is annotated as a generator, and has no yield",
            id="coroutine function for want of a yield, an iterator",
        ),
        pytest.param(
            NeverAny,
            "is made by a generator that ended without a yield",
            id="iterator that never yields",
        ),
    ],
)
async def test_a_factory_that_gives_no_value(
    factory: Callable[[], Any], problem: str, registry: Registry, probes: Probes
) -> None:
    """A failed start, which says what to write."""
    probes.add("before")
    here = next_line()
    declare("it", registry=registry)(factory)

    with pytest.raises(InvalidFactory) as caught:
        await Lifespan(registry).__aenter__()

    assert isinstance(caught.value, TypeError)
    advice = OF_A_PLAIN_ONE if "plain" in problem else ADVICE
    assert str(caught.value) == (
        f"lifespan resource 'it' {problem}\n"
        f'    {here}  declare("it", registry=registry)(factory)\n'
        f"{advice}"
    )
    assert_closed(*probes.all())


@pytest.mark.parametrize("made", [twice_async, twice], ids=lambda f: f.__name__)
async def test_a_generator_that_yields_twice(
    made: Callable[[list[int]], Any], registry: Registry, probes: Probes
) -> None:
    """Seen when it stops; it and the others are closed."""
    closed: list[int] = []
    factory = made(closed)
    probes.add("before")
    here = next_line()
    declare("it", registry=registry)(factory)
    lifespan = Lifespan(registry)

    with pytest.raises(InvalidFactory) as caught:
        async with lifespan:
            pass

    assert str(caught.value) == (
        "lifespan resource 'it' is made by a generator that yielded twice\n"
        f'    {here}  declare("it", registry=registry)(factory)\n'
        f"{ADVICE}"
    )
    assert phases(lifespan) == {"before": "stopped", "it": "failed"}
    assert_closed(*probes.all())
    assert closed == [2]


@pytest.mark.parametrize(
    "factory",
    [asynccontextmanager(twice_async([])), contextmanager(twice([]))],
    ids=["async", "blocking"],
)
async def test_a_context_manager_of_contextlib_that_yields_twice(
    factory: Callable[[], Any], registry: Registry
) -> None:
    """contextlib's own error, with a note that names the resource."""
    resource = declare("it", registry=registry)(factory)

    with pytest.raises(RuntimeError) as caught:
        async with Lifespan(registry):
            pass

    assert str(caught.value) == "generator didn't stop"
    assert caught.value.__notes__ == [
        f"while stopping lifespan resource 'it'\n{resource.declared_at.draw()}"
    ]


@pytest.mark.parametrize(
    "factory",
    [asynccontextmanager(never_async), contextmanager(never)],
    ids=["async", "blocking"],
)
async def test_a_context_manager_of_contextlib_that_never_yields(
    factory: Callable[[], Any], registry: Registry
) -> None:
    """contextlib's own error, with a note that names the resource."""
    resource = declare("it", registry=registry)(factory)

    with pytest.raises(RuntimeError) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == "generator didn't yield"
    assert caught.value.__notes__ == [
        f"while starting lifespan resource 'it'\n{resource.declared_at.draw()}"
    ]


@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_a_generator_that_yields_again_when_it_is_told_of_an_error(
    kind: str, registry: Registry
) -> None:
    """It cannot go on after that, and is closed."""
    closed: list[str] = []

    async def again_async() -> AsyncGenerator[int]:
        try:
            yield 1
        except ValueError:
            try:
                yield 2
            finally:
                closed.append("async")

    def again() -> Iterator[int]:
        try:
            yield 1
        except ValueError:
            try:
                yield 2
            finally:
                closed.append("blocking")

    resource = declare("it", registry=registry)(
        again_async if kind == "async" else again
    )

    with pytest.raises(InvalidFactory):
        async with resource.open():
            raise ValueError("of the block")

    assert closed == [kind]


@pytest.mark.parametrize("when", ["start", "stop"])
@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_a_runtime_error_of_the_factory_is_its_own(
    kind: str, when: str, registry: Registry
) -> None:
    """Only what contextlib says of the generator itself is told otherwise."""
    error = RuntimeError(f"of the {when}")

    async def fails_async() -> AsyncGenerator[int]:
        if when == "start":
            raise error
        yield 1
        raise error

    def fails() -> Iterator[int]:
        if when == "start":
            raise error
        yield 1
        raise error

    declare("it", registry=registry)(fails_async if kind == "async" else fails)

    with pytest.raises(RuntimeError) as caught:
        async with Lifespan(registry):
            pass

    assert caught.value is error


@asynccontextmanager
async def of_a_library(times: int) -> AsyncGenerator[int]:
    """What a factory uses, and is not at fault for."""
    for number in range(times):
        yield number


@pytest.mark.parametrize(("times", "words"), [(0, "didn't yield"), (2, "didn't stop")])
async def test_what_a_helper_of_a_factory_says_is_the_helpers(
    times: int, words: str, registry: Registry
) -> None:
    """It has its own traceback: the factory is well."""

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        async with of_a_library(times) as value:
            yield value

    with pytest.raises(RuntimeError, match=f"^generator {words}"):
        async with Lifespan(registry):
            pass


@pytest.mark.parametrize("kind", ["async", "blocking"])
async def test_a_factory_that_raises_before_it_gives_anything(
    kind: str, registry: Registry
) -> None:
    """A function that fails is a failed start."""
    error = ValueError("no address")

    class Client:
        def __init__(self) -> None:
            raise error

    async def enter(self: object) -> object:
        return self

    async def leave(*_: object) -> None: ...

    if kind == "async":
        Client.__aenter__, Client.__aexit__ = enter, leave  # type: ignore[attr-defined]
    else:
        Client.__enter__ = Client.__exit__ = lambda *_: None  # type: ignore[attr-defined]
    declare("it", registry=registry)(Client)

    with pytest.raises(ValueError, match="no address") as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value is error


async def test_a_thread_is_named_after_its_resource(registry: Registry) -> None:
    """However it is made: the log may have to tell which thread does not end."""

    @lifespan_resource("generated", registry=registry)
    def factory() -> Generator[str]:
        yield threading.current_thread().name

    @contextmanager
    def entered() -> Generator[str]:
        yield threading.current_thread().name

    lifespan_resource("returned", registry=registry)(lambda: entered())

    async with Lifespan(registry) as state:
        names = dict(state)

    assert names == {
        "generated": "lifespan generated",
        "returned": "lifespan returned",
    }


async def test_a_thread_that_the_system_refuses_is_a_failed_start(
    registry: Registry, probes: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and for what it is: not after the time limit of a start."""
    probes.add("before")

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    def never_started() -> Iterator[int]:
        yield 1

    declare("it", registry=registry)(never_started)
    monkeypatch.setattr(threading.Thread, "start", refused)

    with pytest.raises(RuntimeError, match="can't start new thread"):
        await Lifespan(registry).__aenter__()

    assert_closed(*probes.all())
