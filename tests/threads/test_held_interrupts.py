"""held_interrupts, and signals at every point of ``with Lifespan()``."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from typing import Final

import pytest

from django_lifespan_typed._threads.interrupts import held_interrupts
from tests.processes import ROOT, running

from .scripts import running_script

WINDOW: Final = {"Lifespan.__exit__", "HeldInterrupts.__enter__"}
"""Where ``__exit__`` has not begun to hold interrupts, as in ``asyncio.Runner``."""


class Interrupted(BaseException):
    """Raised by the signal handler of these tests."""


@pytest.fixture(autouse=True)
def handled(journal: list[str]) -> Generator[Callable[..., None]]:
    """Handle SIGINT by raising ``Interrupted``; returns the handler."""

    def handler(*_: object) -> None:
        journal.append("handled")
        raise Interrupted

    before = signal.signal(signal.SIGINT, handler)
    yield handler
    signal.signal(signal.SIGINT, before)


# --- Every point


@pytest.mark.slow
@pytest.mark.parametrize("option", ["runs", "fails"])
def test_an_interrupt_at_any_point_leaves_nothing_open(option: str) -> None:
    with running("-m", "tests.threads.interrupting", option, folder=ROOT) as child:
        assert child.wait() == 0, child.output

    assert int(*child.found(r"^points: (\d+)$")) > 100
    assert {*child.found("^left open: (.*)$")} <= WINDOW


def test_a_signal_at_any_time_leaves_nothing_open() -> None:
    script = """
class Alarm(BaseException):
    pass

def ring(*_: object) -> None:
    raise Alarm

left_open = 0
say = lambda _: None
signal.signal(signal.SIGALRM, ring)
for number in range(1, 200):
    lifespan = Lifespan()
    try:
        signal.setitimer(signal.ITIMER_REAL, number * 0.00001)
        with lifespan:
            pass
        threading.Event().wait(5)  # Python may lose an alarm, in a __del__ say
    except Alarm:
        pass
    if lifespan.loop is not None:  # interrupted at the first instructions of __exit__
        left_open += 1
        lifespan.__exit__(None, None, None)
    if "lifespan loop" in [thread.name for thread in threading.enumerate()]:
        os.write(1, f"{number} left a thread".encode())
os.write(1, f"{left_open < 5}".encode())
"""
    with running_script(script) as child:
        assert child.wait() == 0, child.output

    assert child.lines == ["True"]


# --- The block


def test_a_handler_runs_at_once_and_its_exception_is_raised_later(
    journal: list[str],
) -> None:
    with pytest.raises(Interrupted), held_interrupts:
        with held_interrupts:
            signal.raise_signal(signal.SIGINT)
            journal.append("inner")
        journal.append("outer")

    assert journal == ["handled", "inner", "outer"]


def test_an_interrupt_replaces_the_exception_of_the_block() -> None:
    with pytest.raises(Interrupted) as caught, held_interrupts:
        signal.raise_signal(signal.SIGINT)
        raise ValueError("cancelled")

    assert isinstance(caught.value.__context__, ValueError)


def test_a_handler_that_raises_nothing_interrupts_nothing(journal: list[str]) -> None:
    def install(*_: object) -> None:
        signal.signal(signal.SIGINT, install_again)

    def install_again(*_: object) -> None:
        journal.append("again")

    signal.signal(signal.SIGINT, install)
    with held_interrupts.calling(lambda: journal.append("interrupted")):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    assert journal == ["again"]
    assert signal.getsignal(signal.SIGINT) is install_again


def test_every_interrupt_is_called_back(journal: list[str]) -> None:
    """Also those before the block."""
    with pytest.raises(Interrupted), held_interrupts:
        signal.raise_signal(signal.SIGINT)
        with held_interrupts.calling(lambda: journal.append("called")):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    assert journal == ["handled", "called", "handled", "called", "handled"]


def test_a_block_in_another_thread_holds_nothing(handled: Callable[..., None]) -> None:
    found: list[object] = []

    def look() -> None:
        with held_interrupts.calling(lambda: found.append("called")):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert found == [handled]
