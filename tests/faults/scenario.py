"""Scenarios: resources, tasks, their faults, receivers, and the steps of a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

LIMITS = {
    "START_TIMEOUT": 10.0,
    "STOP_TIMEOUT": 4.0,
    "STOP_BUDGET": 12.0,
    "CANCEL_TIMEOUT": 1.0,
    "RETRY_INTERVAL": float("inf"),  # it would start another lifespan
    "REPORT_INTERVAL": 5.0,
    "HEALTH_TIMEOUT": 2.0,
    "HEALTH_CACHE": 1.0,
}
"""``settings.LIFESPAN`` of every scenario except for its budget, in virtual seconds."""


class Word(Enum):
    """An enum whose members are valid Python in the output of Hypothesis."""

    def __repr__(self) -> str:
        return str(self)


class Shape(Word):
    """How a factory is written."""

    GENERATOR = "async generator"
    COROUTINE = "coroutine"
    CLASS = "async context manager class"
    BLOCKING = "generator"
    MANAGER = "registered manager"
    RECEIVED = "manager returned by a receiver of asgi_lifespan"


class Fault(Word):
    """A fault in a startup, a shutdown or a health check."""

    NONE = "nothing"
    RAISE = "an exception"
    EXIT = "SystemExit"
    INTERRUPT = "KeyboardInterrupt"
    CANCELLED = "CancelledError without a cancellation"
    CANCEL_ITSELF = "the task cancels itself"
    HANG = "hangs until it is cancelled"
    SWALLOW = "hangs until it is cancelled, and continues"
    STUBBORN = "hangs and ignores cancellations"
    # Only at startup:
    WRONG_TYPE = "a value of the wrong type"
    NEVER_YIELD = "no yield"
    # Only at shutdown:
    YIELD_TWICE = "another yield"
    # Only in a health check:
    FALSE = "False"


BLOCKING_FAULTS = (Fault.NONE, Fault.RAISE, Fault.EXIT, Fault.INTERRUPT)
COMMON_FAULTS = (*BLOCKING_FAULTS, *list(Fault)[4:9])
HANGS = (Fault.HANG, Fault.SWALLOW, Fault.STUBBORN)
MANAGERS = (Shape.MANAGER, Shape.RECEIVED)


class Crash(Word):
    """How a running resource crashes."""

    CANCELLED = "its task is cancelled"
    ANYIO = "a child fails in an anyio task group"
    ASYNCIO = "a child fails in an asyncio task group"


@dataclass(frozen=True)
class Act:
    """A startup, shutdown or health check: its duration and how it ends."""

    seconds: float | None = None
    """Virtual seconds; None to run without a single await."""
    fault: Fault = Fault.NONE


@dataclass(frozen=True)
class Check:
    """A health check."""

    act: Act = Act()
    blocking: bool = False


@dataclass(frozen=True)
class Spec:
    """One resource. It depends on resources with lower numbers."""

    needs: tuple[int, ...] = ()
    shape: Shape = Shape.GENERATOR
    start: Act = Act()
    stop: Act = Act()
    crash: Crash = Crash.CANCELLED
    optional: bool = False
    start_limit: float | None = None
    """``start_timeout=``; None for the setting."""
    stop_limit: float | None = None
    health: Check | None = None


@dataclass(frozen=True)
class Hold:
    """The lock of a task: its acquisition and its release."""

    acquire: Act = Act()
    release: Act = Act()


@dataclass(frozen=True)
class Job:
    """A background task, which is optional."""

    needs: tuple[int, ...] = ()
    """The numbers of resources, modulo their count."""
    runs: tuple[Act, ...] = (Act(),)
    """Its runs; the last one is repeated."""
    clean_up: Act = Act()
    """The last act of a run that is cancelled."""
    restart: Literal["on_failure", "always", "never"] = "on_failure"
    every: float | None = None
    lock: Hold | None = None


@dataclass(frozen=True)
class Receiver:
    """A receiver of one of the signals."""

    signal: Literal["asgi_lifespan", "asgi_startup", "asgi_shutdown"]
    act: Act = Act()
    blocking: bool = False


Step: TypeAlias = tuple[str, object]
"""
A step of the server or of a resource; ``Server`` has a method for each.

``("message", type)``, ``("sleep", seconds)``, ``("turns", iterations of the loop)``,
``("settle", None)``: wait for the end of the startup, ``("request", None)``,
``("crash", number)``, ``("cancel", None)``: the task of the lifespan, ``("cancel all",
order)``: every task of the loop, ``("clear state", None)``, ``("break", None)``:
receive raises, ``("break send", None)``: send raises, ``("health", None)``,
``("lose", number)``: another process gets the lock of a background task.

In a late start, the messages are calls of ``Gate.start`` and ``ServedLoop.stop``, and
the first request may come before them.
"""

STARTUP: Step = ("message", "lifespan.startup")
SHUTDOWN: Step = ("message", "lifespan.shutdown")
SETTLE: Step = ("settle", None)
REQUEST: Step = ("request", None)
CANCEL: Step = ("cancel", None)
CANCEL_ALL: Step = ("cancel all", None)
CANCEL_ALL_BACK: Step = ("cancel all", "latest first")
CLEAR: Step = ("clear state", None)
HEALTH: Step = ("health", None)


@dataclass(frozen=True)
class Scenario:
    """One run. The server sends a shutdown at the end if no step has."""

    specs: tuple[Spec, ...] = ()
    steps: tuple[Step, ...] = (STARTUP, SETTLE, SHUTDOWN)
    receivers: tuple[Receiver, ...] = ()
    has_state: bool = True
    budget: float = LIMITS["STOP_BUDGET"]
    late: bool = False
    """Whether the server sends no lifespan."""
    jobs: tuple[Job, ...] = ()
