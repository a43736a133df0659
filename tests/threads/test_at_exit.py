"""Shutdown at the end of the process."""

from __future__ import annotations

from .scripts import running_script

SCRIPT = """
import multiprocessing
from django_lifespan_typed._threads.at_exit import at_exit

def fail() -> None:
    raise OSError("lost")

def discarded() -> None:
    say("never")

at_exit.add(lambda: say(f"first {at_exit.is_over}"))
at_exit.add(fail)
at_exit.add(lambda: say("last"))
at_exit.add(discarded)
at_exit.discard(discarded)

def work() -> None:
    at_exit.add(lambda: say("of the fork"))

process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
say(f"leaving {at_exit.is_over}")
"""


def test_functions_are_called_last_in_first_out() -> None:
    """
    One that fails is logged, and does not keep the others from being called. A fork
    calls only its own.
    """
    with running_script(SCRIPT) as child:
        assert child.wait() == 0, child.output

    words = ("leaving", "last", "first", "never", "of the fork")
    lines = [line for line in child.lines if line.startswith(words)]
    assert lines == ["of the fork", "leaving False", "last", "first True"]
    assert "OSError: lost" in child.output
