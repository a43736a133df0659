"""Observers: functions that are called after each startup and each shutdown."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, final

from .._log import logger
from .failures import exc_info

if TYPE_CHECKING:
    from .lifespan import Lifespan


@final
@dataclass(frozen=True)
class Transition:
    """
    A startup or a shutdown that has ended.

    Times are in seconds since the beginning of the startup, as in ``ResourceStatus``. A
    failed startup includes the shutdown of the resources that had started.
    """

    lifespan: Lifespan
    kind: Literal["startup", "shutdown"]
    began_after: float
    ended_after: float
    error: BaseException | None
    """The exception that it raises."""


observers: Final[list[Callable[[Transition], None]]] = []
"""Called in the context of the code that starts or shuts down the lifespan."""


@final
class Observed:
    """A block that starts or shuts down a lifespan; its end notifies the observers."""

    def __init__(
        self,
        lifespan: Lifespan,
        kind: Literal["startup", "shutdown"],
        origin: float,
        caller: Context,
    ) -> None:
        self._lifespan = lifespan
        self._kind: Literal["startup", "shutdown"] = kind
        self._origin = origin
        self._caller = caller

    def __enter__(self) -> None:
        self._began_after = monotonic() - self._origin

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for observer in observers.copy():
            ended_after = monotonic() - self._origin
            transition = Transition(
                self._lifespan, self._kind, self._began_after, ended_after, error
            )
            try:
                self._caller.run(observer, transition)
            except Exception as failure:  # it must not fail the lifespan
                logger.error(
                    "an observer of a lifespan's %s failed",
                    self._kind,
                    exc_info=exc_info(failure),
                )
