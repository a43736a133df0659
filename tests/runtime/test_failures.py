"""Failures of a start or a stop: all that was opened is closed, nothing leaks out."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import (
    InvalidValue,
    ShutdownError,
    StartupError,
)

from .probes import (
    SHAPES,
    Hang,
    Probes,
    Raise,
    Shape,
    Step,
    assert_closed,
    next_line,
    phases,
)

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

BLOCKING = next(shape for shape in SHAPES if shape.blocking)
either_way = pytest.mark.parametrize("shape", [SHAPES[0], BLOCKING], ids=str)


async def test_siblings_that_start_are_cancelled_and_awaited(
    registry: Registry, probes: Probes, journal: list[str], hang: Hang
) -> None:
    """Whoever had started is stopped against the plan; who waited never starts."""

    class FailLater(Step):
        async def go(self) -> None:
            await hang.reached()
            raise ValueError("it fails")

    probes.add_chain("db", "repository")
    probes.add("sibling", "db", start=hang)
    probes.add("it", "repository", start=FailLater())
    probes.add("waiting", "it")
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()

    assert "+waiting" not in journal
    assert journal[-1] == "-db"
    assert_closed(*(probes[name] for name in ("db", "repository", "sibling", "it")))
    assert phases(lifespan) == {
        "db": "stopped",
        "repository": "stopped",
        "sibling": "stopped",
        "it": "failed",
        "waiting": "stopped",
    }


async def test_a_clean_up_that_takes_a_while_is_awaited(
    registry: Registry, journal: list[str], hang: Hang
) -> None:
    """The start fails only after all of it is closed."""

    @lifespan_resource("slow to close", registry=registry)
    async def _slow() -> AsyncGenerator[int]:
        journal.append("+slow")
        try:
            await hang.go()
            yield 1
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            journal.append("-slow")

    @lifespan_resource("it", registry=registry)
    async def _it() -> AsyncGenerator[int]:
        await hang.reached()
        raise ValueError("it fails")
        yield 1

    with pytest.raises(ValueError, match="it fails"):
        await Lifespan(registry).__aenter__()

    assert journal == ["+slow", "-slow"]


async def test_a_sibling_that_starts_although_it_was_cancelled_is_closed(
    registry: Registry,
    probes: Probes,
    journal: list[str],
    hang: Hang,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It swallowed the cancellation, and its value is there: it is closed at once."""

    class Swallow(Step):
        async def go(self) -> None:
            try:
                await hang.go()
            except asyncio.CancelledError:
                journal.append("swallowed")

    class FailLater(Step):
        async def go(self) -> None:
            await hang.reached()
            raise ValueError("it fails")

    probes.add("sibling", start=Swallow())
    probes.add("it", start=FailLater())
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()

    assert journal == ["+sibling", "+it", "-it", "swallowed", "-sibling"]
    assert_closed(*probes.all())
    assert phases(lifespan) == {"sibling": "stopped", "it": "failed"}
    assert caplog.records == []  # it was not given up


async def test_the_first_failure_is_raised_and_the_others_are_logged(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """None is lost."""
    first, second = ValueError("first"), KeyError("second")
    probes.add("a", start=Raise(first))
    probes.add("b", start=Raise(second))
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="first") as caught:
        await lifespan.__aenter__()

    assert caught.value is first
    assert [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    ] == [("failed to start 'b' too", second)]
    assert [status.error for status in lifespan.status()] == [first, second]
    assert_closed(*probes.all())


async def test_a_failure_to_close_what_is_cancelled_is_logged(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture, hang: Hang
) -> None:
    """The reason of the failed start is raised, the rest is not lost."""
    untidy = OSError("untidy")

    class Untidy(Step):
        async def go(self) -> None:
            try:
                await hang.go()
            except asyncio.CancelledError:
                raise untidy from None

    class FailLater(Step):
        async def go(self) -> None:
            await hang.reached()
            raise ValueError("it fails")

    probes.add("a", start=Untidy())
    probes.add("b", start=FailLater())

    with pytest.raises(ValueError, match="it fails"):
        await Lifespan(registry).__aenter__()

    assert [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    ] == [("failed to start 'a' too", untidy)]


async def test_a_failure_to_undo_a_blocking_start_is_logged(
    registry: Registry,
    caplog: pytest.LogCaptureFixture,
    hang: Hang,
) -> None:
    """It had opened after it was cancelled, and could not be closed."""
    untidy = OSError("untidy")

    @lifespan_resource("a", registry=registry)
    def _a() -> Iterator[int]:
        hang.block()
        yield 1
        raise untidy

    @lifespan_resource("b", registry=registry)
    async def _b() -> AsyncGenerator[int]:
        await hang.reached()
        raise ValueError("it fails")
        yield 1

    @lifespan_resource("stopped after", registry=registry)
    async def _stopped_after() -> AsyncGenerator[int]:
        yield 1
        hang.release()

    with pytest.raises(ValueError, match="it fails"):
        await Lifespan(registry).__aenter__()

    assert [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    ] == [("failed to start 'a' too", untidy)]


@either_way
async def test_a_failed_start_names_the_resource(
    shape: Shape, registry: Registry, probes: Probes
) -> None:
    """In a note, for the error itself is the factory's."""
    probes.add("it", shape=shape, start=Raise(ValueError("it fails")))

    with pytest.raises(ValueError, match="it fails") as caught:
        await Lifespan(registry).__aenter__()

    drawn = probes.resources["it"].declared_at.draw()
    assert caught.value.__notes__ == [f"while starting lifespan resource 'it'\n{drawn}"]


@either_way
async def test_a_failed_stop_names_the_resource(
    shape: Shape, registry: Registry, probes: Probes
) -> None:
    """In a note, for the error itself is the factory's."""
    probes.add("it", shape=shape, stop=Raise(ValueError("it fails")))

    with pytest.raises(ValueError, match="it fails") as caught:
        async with Lifespan(registry):
            pass

    drawn = probes.resources["it"].declared_at.draw()
    assert caught.value.__notes__ == [f"while stopping lifespan resource 'it'\n{drawn}"]


BASE_EXCEPTIONS = [
    asyncio.CancelledError("of the factory"),
    SystemExit(3),
    KeyboardInterrupt(),
    BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError()]),
    GeneratorExit(),
]


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        pytest.param(shape, error, id=f"{shape}-{type(error).__name__}")
        for shape in (SHAPES[0], BLOCKING)
        for error in BASE_EXCEPTIONS
        # An async generator may not raise it.
        if shape.blocking or not isinstance(error, GeneratorExit)
    ],
)
async def test_what_is_no_exception_becomes_a_failed_start(
    shape: Shape, error: BaseException, registry: Registry, probes: Probes
) -> None:
    """It neither ends the loop nor looks like a shutdown; it is the cause."""
    probes.add("before")
    here = probes.add("it", "before", shape=shape, start=Raise(error))
    lifespan = Lifespan(registry)

    with pytest.raises(StartupError) as caught:
        await lifespan.__aenter__()

    resource = probes.resources["it"]
    assert str(caught.value) == (
        f"lifespan resource 'it' failed to start: {type(error).__name__}\n"
        f"{resource.declared_at.draw()}"
    )
    assert caught.value.__cause__ is error
    assert (caught.value.name, caught.value.location) == ("it", resource.declared_at)
    assert_closed(probes["before"])
    assert here.opened == here.closed
    assert phases(lifespan) == {"before": "stopped", "it": "failed"}


@either_way
@pytest.mark.parametrize("error", BASE_EXCEPTIONS, ids=lambda e: type(e).__name__)
async def test_what_is_no_exception_becomes_a_failed_stop(
    error: BaseException, shape: Shape, registry: Registry, probes: Probes
) -> None:
    """What it needs is closed all the same."""
    probes.add("before")
    probes.add("it", "before", shape=shape, stop=Raise(error))

    with pytest.raises(ShutdownError) as caught:
        async with Lifespan(registry):
            pass

    resource = probes.resources["it"]
    assert str(caught.value) == (
        f"lifespan resource 'it' failed to stop: {type(error).__name__}\n"
        f"{resource.declared_at.draw()}"
    )
    assert caught.value.__cause__ is error
    assert_closed(*probes.all())


@either_way
@pytest.mark.parametrize(
    "error", [StopIteration("it"), StopAsyncIteration("it")], ids=repr
)
async def test_what_ends_generators_is_a_failed_start(
    error: Exception, shape: Shape, registry: Registry, probes: Probes
) -> None:
    """Python makes a ``RuntimeError`` of it: it is not taken for a missing yield."""
    probes.add("it", shape=shape, start=Raise(error))

    with pytest.raises((RuntimeError, StopAsyncIteration)) as caught:
        await Lifespan(registry).__aenter__()

    assert error in {caught.value, caught.value.__cause__}


async def test_several_failures_to_stop_make_a_group(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """In the order of the stop; everybody was visited."""
    errors = {name: ValueError(name) for name in "abd"}
    probes.add("a", stop=Raise(errors["a"]))
    probes.add("b", "a", stop=Raise(errors["b"]))
    probes.add("c", "b")
    probes.add("d", "c", stop=Raise(errors["d"]))

    with pytest.raises(ExceptionGroup) as caught:
        async with Lifespan(registry):
            pass

    assert caught.value.message == "lifespan resources failed to stop"
    assert list(caught.value.exceptions) == [errors["d"], errors["b"], errors["a"]]
    assert journal[4:] == ["-d", "-c", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_failed_stop_is_logged_with_its_traceback(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where whoever leaves the lifespan drops what it raises."""
    error = ValueError("it fails")
    probes.add("it", stop=Raise(error))

    with pytest.raises(ValueError, match="it fails"):
        async with Lifespan(registry):
            pass

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "failed to stop 'it'"
    assert record.exc_info is not None
    assert record.exc_info[1] is error


async def test_a_failed_stop_does_not_hide_what_failed_in_the_block(
    registry: Registry, probes: Probes
) -> None:
    """It is the context of what is raised."""
    inner, outer = ValueError("of the block"), KeyError("of the stop")
    probes.add("it", stop=Raise(outer))

    with pytest.raises(KeyError) as caught:
        async with Lifespan(registry):
            raise inner

    assert caught.value is outer
    assert caught.value.__context__ is inner


async def test_a_failed_start_raises_its_own_error_also_where_the_stop_fails(
    registry: Registry, probes: Probes, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure to stop is logged."""
    start, stop = ValueError("of the start"), KeyError("of the stop")
    probes.add("a", stop=Raise(stop))
    probes.add("b", "a", start=Raise(start))

    with pytest.raises(ValueError, match="of the start"):
        await Lifespan(registry).__aenter__()

    assert [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
    ] == [("failed to stop 'a'", stop)]
    assert_closed(*probes.all())


async def test_starts_again_after_a_failed_start(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """What failed once may work later."""
    probe = probes.add("it", start=Raise(ValueError("it fails")))
    lifespan = Lifespan(registry)

    with pytest.raises(ValueError, match="it fails"):
        await lifespan.__aenter__()
    probe.start = Step()
    async with lifespan as state:
        assert state["it"] is probe.value

    assert journal == ["+it", "-it", "+it", "-it"]
    assert_closed(probe, times=2)


@pytest.mark.parametrize("fails", [0, 1, 1_999], ids=lambda index: f"number {index}")
async def test_a_long_chain_of_which_one_fails(
    fails: int, registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """Without recursion; what had started is closed in reverse."""
    names = [f"r{index}" for index in range(2_000)]
    probes.add_chain(*names)
    probes[names[fails]].start = Raise(ValueError("it fails"))

    with pytest.raises(ValueError, match="it fails"):
        await Lifespan(registry).__aenter__()

    opened = names[: fails + 1]
    assert journal == [f"+{name}" for name in opened] + [
        f"-{name}" for name in reversed(opened)
    ]
    assert_closed(*(probes[name] for name in opened))


async def test_a_factory_that_swallows_the_refusal_of_its_value(
    registry: Registry,
) -> None:
    """The start fails all the same; it used to wait for ever."""

    @lifespan_resource(StateKey[str]("it"), registry=registry)
    async def _it() -> AsyncGenerator[Any]:
        with suppress(Exception):
            yield 5

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()


async def test_a_factory_that_swallows_what_another_key_says_of_its_value(
    registry: Registry, probes: Probes
) -> None:
    """The start fails all the same; it used to wait for ever."""
    key = StateKey[str]("it")
    probes.add("before")

    @lifespan_resource("it", needs=(StateKey[Any]("before"),), registry=registry)
    async def _it(_: object) -> AsyncGenerator[Any]:
        with suppress(Exception):
            yield 5

    @lifespan_resource("other", needs=(key,), registry=registry)
    async def _other(it: str) -> AsyncGenerator[str]:
        yield it

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()

    assert_closed(*probes.all())


async def test_the_error_says_where_the_resource_was_declared(
    registry: Registry,
) -> None:
    """File and line, and what is written there."""
    declare: Any = lifespan_resource

    async def it() -> None:
        raise SystemExit(3)

    here = next_line()
    declare("it", registry=registry)(it)

    with pytest.raises(StartupError) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resource 'it' failed to start: SystemExit\n"
        f'    {here}  declare("it", registry=registry)(it)'
    )
