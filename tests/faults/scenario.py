"""What may happen: resources and their faults, receivers, and what the server does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

LIMITS = {
    "START_TIMEOUT": 10.0,
    "STOP_TIMEOUT": 4.0,
    "STOP_BUDGET": 12.0,
    "CANCEL_TIMEOUT": 1.0,
    "REPORT_INTERVAL": 5.0,
    "HEALTH_TIMEOUT": 2.0,
    "HEALTH_CACHE": 1.0,
}
"""``settings.LIFESPAN`` of every scenario but for its budget, in virtual seconds."""


class Word(Enum):
    """Is printed as it is written."""

    def __repr__(self) -> str:
        return str(self)


class Shape(Word):
    """How a factory is written."""

    GENERATOR = "async generator"
    COROUTINE = "coroutine"
    CLASS = "async context manager class"
    RETURNING = "function that returns one"
    BLOCKING = "generator"
    MANAGER = "manager that is registered"
    RECEIVED = "manager that a receiver of asgi_lifespan returns"


class Fault(Word):
    """What goes wrong in a start or a stop."""

    NONE = "nothing"
    RAISE = "an exception"
    EXIT = "SystemExit"
    INTERRUPT = "KeyboardInterrupt"
    CANCELLED = "CancelledError, though nobody cancels"
    CANCEL_ITSELF = "the task cancels itself"
    HANG = "hangs until it is cancelled"
    SWALLOW = "hangs until it is cancelled, and goes on"
    STUBBORN = "hangs, whoever cancels"
    # Of a start alone:
    WRONG_TYPE = "a value of another type than the key's"
    NEVER_YIELD = "no yield"
    # Of a stop alone:
    YIELD_TWICE = "another yield"
    # Of a health check alone:
    FALSE = "False"


BLOCKING_FAULTS = (Fault.NONE, Fault.RAISE, Fault.EXIT, Fault.INTERRUPT)
COMMON_FAULTS = (*BLOCKING_FAULTS, *list(Fault)[4:9])
HANGS = (Fault.HANG, Fault.SWALLOW, Fault.STUBBORN)
MANAGERS = (Shape.MANAGER, Shape.RECEIVED)


class Crash(Word):
    """How a resource dies while it is held."""

    CANCELLED = "its task is cancelled"
    ANYIO = "a child fails in an anyio task group"
    ASYNCIO = "a child fails in an asyncio task group"


@dataclass(frozen=True)
class Act:
    """A start or a stop: what it takes, in virtual seconds, and how it ends."""

    seconds: float | None = None
    """None: it does not even give way to others."""
    fault: Fault = Fault.NONE


@dataclass(frozen=True)
class Check:
    """A health check."""

    act: Act = Act()
    blocking: bool = False


@dataclass(frozen=True)
class Spec:
    """One resource; it needs the ones of these numbers, which are lower."""

    needs: tuple[int, ...] = ()
    shape: Shape = Shape.GENERATOR
    start: Act = Act()
    stop: Act = Act()
    crash: Crash = Crash.CANCELLED
    optional: bool = False
    start_limit: float | None = None
    """``start_timeout=``; None for the setting's."""
    stop_limit: float | None = None
    health: Check | None = None


@dataclass(frozen=True)
class Receiver:
    """A receiver of one of the signals."""

    signal: Literal["asgi_lifespan", "asgi_startup", "asgi_shutdown"]
    act: Act = Act()
    blocking: bool = False


Step: TypeAlias = tuple[str, object]
"""
What the server, or a resource, does next: see ``machine.Server``.

``("message", type)``, ``("sleep", seconds)``, ``("turns", how many turns of the
loop)``, ``("settle", None)``: wait until the start is over; ``("request", None)``,
``("crash", number)``, ``("cancel", None)``: the lifespan's task; ``("cancel all",
None)``: every task of the loop; ``("clear state", None)``, ``("break", None)``:
receive raises; ``("break send", None)``: send raises; ``("health", None)``: a probe.

Where no server sends the lifespan, the messages are ``Host.start`` and
``Record.stop``, and the first request may come before them.
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
    """One run; where it leaves the lifespan open, the server sends the shutdown."""

    specs: tuple[Spec, ...] = ()
    steps: tuple[Step, ...] = (STARTUP, SETTLE, SHUTDOWN)
    receivers: tuple[Receiver, ...] = ()
    has_state: bool = True
    budget: float = LIMITS["STOP_BUDGET"]
    late: bool = False
    """Whether the server sends no lifespan."""
