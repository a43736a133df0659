"""Observers: functions that are called after each startup and each shutdown."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, final

from .._log import logger

if TYPE_CHECKING:
    from .lifespan import Lifespan


@final
class Transition(NamedTuple):
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


@contextmanager
def observed(
    lifespan: Lifespan, kind: Literal["startup", "shutdown"], origin: float
) -> Generator[None]:
    """Call the observers at the end of a block that starts or stops *lifespan*."""
    began_after = monotonic() - origin
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        ended_after = monotonic() - origin
        ended = Transition(lifespan, kind, began_after, ended_after, error)
        for observer in observers.copy():
            try:
                observer(ended)
            except Exception:  # it must not fail the lifespan
                logger.exception("an observer of a lifespan's %s failed", kind)
