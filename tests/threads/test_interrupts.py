"""Ctrl-C at every stage of ``with Lifespan()`` and of ``call()``."""

from __future__ import annotations

import signal

from .scripts import interrupt, running_script


def interrupted(script: str, at: str, until: str) -> list[str]:
    """Interrupt *script* once it has printed *at*; returns the lines of its output."""
    with running_script(script) as child:
        child.until(at)
        interrupt(child, signal.SIGINT, until)
        code = child.wait()
    assert code == -signal.SIGINT
    return child.lines


def test_a_second_interrupt_still_closes_everything() -> None:
    script = """
@lifespan_resource("db", needs=(pool,))
async def db(_: str) -> AsyncGenerator[int]:
    try:
        yield 1
    finally:
        is_closing.append(True)
        say("closing")
        await asyncio.to_thread(go_on.wait)
        say("closed")

@lifespan_resource("stuck", needs=(db,))
async def stuck(_: int) -> AsyncGenerator[int]:
    say("starting")
    await asyncio.Event().wait()
    yield 1

def on_sigint(*_: object) -> None:
    if is_closing:
        go_on.set()
    raise KeyboardInterrupt

is_closing = []
go_on = threading.Event()
signal.signal(signal.SIGINT, on_sigint)
try:
    with Lifespan():
        say("never")
except KeyboardInterrupt:
    say("lifespan loop" in [thread.name for thread in threading.enumerate()])
"""
    with running_script(script) as child:
        child.until("^starting$")
        interrupt(child, signal.SIGINT, "^closing$")
        interrupt(child, signal.SIGINT, "^closed$")
        assert child.wait() == 0, child.output

    assert child.lines[-3:] == ["closed", "-pool", "False"]


def test_an_interrupt_while_a_factory_blocks_the_loop_closes_everything() -> None:
    """The startup succeeds before it notices the cancellation."""
    script = """
import time

@lifespan_resource("model", needs=(pool,))
async def model(_: str) -> AsyncGenerator[int]:
    say("loading")
    while not interrupted:
        time.sleep(0.01)
    try:
        yield 1
    finally:
        await asyncio.sleep(0)
        say("-model")

interrupted = []

def interrupt(*_: object) -> None:
    interrupted.append(True)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)
lifespan = Lifespan()
try:
    with lifespan:
        say("never")
except KeyboardInterrupt:
    say(lifespan.loop)
    say([record.phase for record in lifespan.status()])
    raise
"""
    lines = interrupted(script, "^loading$", "-pool")

    assert lines[:6] == [
        *("+pool", "loading", "-model", "-pool"),
        *("None", "['stopped', 'stopped']"),
    ]


def test_an_interrupted_shutdown_goes_on() -> None:
    script = """
impatient = asyncio.Event()

def interrupt(*_: object) -> None:
    lifespan.loop.call_soon_threadsafe(impatient.set)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)

@lifespan_resource("slow", needs=(pool,))
async def slow(_: str) -> AsyncGenerator[int]:
    yield 1
    say("stopping")
    await impatient.wait()
    say("-slow")

lifespan = Lifespan()
with lifespan:
    pass
"""
    lines = interrupted(script, "^stopping$", "-pool")

    assert lines[:4] == ["+pool", "stopping", "-slow", "-pool"]


def test_an_interrupted_call_ends_before_its_resources() -> None:
    script = """
async def work() -> None:
    say("working")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        say("unwound")

lifespan = Lifespan()
with lifespan:
    lifespan.call(work)
"""
    lines = interrupted(script, "^working$", "unwound")

    assert lines[:4] == ["+pool", "working", "unwound", "-pool"]


def test_a_lifespan_that_is_never_left_does_not_keep_the_process_alive() -> None:
    script = """
lifespan = Lifespan()
lifespan.__enter__()
say("leaving")
"""
    with running_script(script) as child:
        code = child.wait()

    assert (code, child.lines) == (0, ["+pool", "leaving"])
