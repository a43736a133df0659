"""Failures of a startup or shutdown: everything is closed, and every error is seen."""

from __future__ import annotations

import asyncio
import sys

import pytest

from django_lifespan_typed.exceptions import ShutdownError, StartupError

from .probes import (
    BLOCKING,
    SHAPES,
    Do,
    Hang,
    Log,
    Pause,
    Probes,
    Raise,
    Shape,
    assert_closed,
    logged_errors,
)

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

either_way = pytest.mark.parametrize("shape", [SHAPES[0], BLOCKING], ids=str)

BASE_EXCEPTIONS = [
    asyncio.CancelledError("of the factory"),
    SystemExit(3),
    KeyboardInterrupt(),
    BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError()]),
]


class Falsy(Exception):
    """Like a collection of errors that is empty."""

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("when", ["start", "stop"])
async def test_a_falsy_exception_is_raised_and_logged(
    when: str, probes: Probes, caplog: Log
) -> None:
    error = Falsy("it fails")
    steps = {when: Raise(error)}
    probes.add("it", **steps)

    with pytest.raises(Falsy) as caught:
        await probes.run()

    assert caught.value is error
    assert when == "start" or logged_errors(caplog) == [error]


@pytest.mark.parametrize("when", ["start", "stop"])
async def test_an_exception_that_is_raised_again_has_one_note(
    when: str, probes: Probes
) -> None:
    """A module may have one exception object for all failures."""
    error = ValueError("the one object")
    steps = {when: Raise(error)}
    probes.add("it", **steps)

    for _ in range(3):
        with pytest.raises(ValueError, match="the one object"):
            await probes.run()

    assert len(error.__notes__) == 1  # type: ignore[attr-defined]


# --- Startup


async def test_a_failed_startup_cancels_and_awaits_the_resources_still_starting(
    probes: Probes, hang: Hang
) -> None:
    error = ValueError("it fails")

    async def unwind_slowly() -> None:
        try:
            await hang.go()
        finally:
            await Pause().go()

    probes.add_chain("db", "repository")
    probes.add("sibling", "db", start=Do(unwind_slowly))
    probes.add("it", "repository", start=Raise(error, after=hang))
    probes.add("waiting", "it")

    with pytest.raises(ValueError, match="it fails") as caught:
        await probes.run()

    assert caught.value is error
    assert "+waiting" not in probes.journal
    assert probes.journal[-1] == "-db"
    assert_closed(*probes.opened())
    others = dict.fromkeys(["db", "repository", "sibling", "waiting"], "stopped")
    assert probes.phases() == {"it": "failed", **others}


async def test_the_first_error_is_raised_and_the_others_are_logged(
    probes: Probes, caplog: Log
) -> None:
    """Errors of the shutdown are logged, too."""
    first, second, last = ValueError("first"), KeyError("second"), KeyError("last")
    probes.add("root", stop=Raise(last))
    probes.add("a", "root", start=Raise(first))
    probes.add("b", "root", start=Raise(second))

    with pytest.raises(ValueError, match="first") as caught:
        await probes.run()

    assert caught.value is first
    assert logged_errors(caplog) == [second, last]
    assert probes.errors() == {"root": last, "a": first, "b": second}
    assert_closed(*probes.all())


@either_way
@pytest.mark.parametrize("when", ["start", "stop"])
async def test_a_note_names_the_resource_and_its_location(
    when: str, shape: Shape, probes: Probes
) -> None:
    steps = {when: Raise(ValueError("it fails"))}
    probes.add("it", shape=shape, **steps)

    with pytest.raises(ValueError, match="it fails") as caught:
        await probes.run()

    (note,) = caught.value.__notes__
    assert "'it'" in note
    assert probes.resources["it"].declared_at.draw() in note


@either_way
@pytest.mark.parametrize(
    ("when", "kind"), [("start", StartupError), ("stop", ShutdownError)]
)
@pytest.mark.parametrize("error", BASE_EXCEPTIONS, ids=lambda e: type(e).__name__)
async def test_a_base_exception_becomes_a_failed_startup_or_shutdown(
    error: BaseException,
    when: str,
    kind: type[StartupError | ShutdownError],
    *,
    shape: Shape,
    probes: Probes,
) -> None:
    """It neither ends the loop nor looks like a cancellation."""
    steps = {when: Raise(error)}
    probes.add("before")
    probes.add("it", "before", shape=shape, **steps)

    with pytest.raises(kind) as caught:
        await probes.run()

    location = probes.resources["it"].declared_at
    assert (caught.value.name, caught.value.location) == ("it", location)
    assert type(error).__name__ in caught.value.problem
    assert caught.value.__cause__ is error
    assert_closed(*probes.all())
    assert probes.phases() == {"before": "stopped", "it": "failed"}


@either_way
@pytest.mark.parametrize(
    "error", [StopIteration("it"), StopAsyncIteration("it")], ids=repr
)
async def test_an_exception_that_ends_generators_is_a_failed_startup(
    error: Exception, shape: Shape, probes: Probes
) -> None:
    """It is not taken for a missing yield."""
    probes.add("it", shape=shape, start=Raise(error))

    with pytest.raises((RuntimeError, StopAsyncIteration)) as caught:
        await probes.lifespan().__aenter__()

    assert error in {caught.value, caught.value.__cause__}


# --- Shutdown


async def test_several_errors_of_a_shutdown_are_raised_as_a_group(
    probes: Probes,
) -> None:
    """In the order of the shutdown, which reaches every resource."""
    errors = {name: ValueError(name) for name in "dba"}
    probes.add_chain("a", "b", "c", "d")
    for name, error in errors.items():
        probes[name].stop = Raise(error)

    with pytest.raises(ExceptionGroup) as caught:
        await probes.run()

    assert caught.value.exceptions == (*errors.values(),)
    assert probes.journal[4:] == ["-d", "-c", "-b", "-a"]
    assert_closed(*probes.all())


async def test_a_failed_shutdown_does_not_hide_the_exception_of_the_block(
    probes: Probes,
) -> None:
    inner, outer = ValueError("of the block"), KeyError("of the shutdown")
    probes.add("it", stop=Raise(outer))

    with pytest.raises(KeyError) as caught:
        async with probes.lifespan():
            raise inner

    assert caught.value is outer
    assert caught.value.__context__ is inner
