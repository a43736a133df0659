"""Exceptions for resources that fail to start, crash or fail to stop."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Collection, Sequence
from typing import Any

from .._compat import ExceptionGroup
from .._declare.resources import Resource
from .._text import note_texts
from ..exceptions import (
    ResourceCrashed,
    ShutdownError,
    ShutdownTimeout,
    StartupError,
    StartupTimeout,
)


def failed_start(resource: Resource[Any], error: BaseException) -> BaseException:
    """
    Return *error* with a note that names *resource*.

    Anything but an ``Exception`` is wrapped, because it would end the loop or look
    like a cancellation.
    """
    if isinstance(error, StartupError):
        return error
    if isinstance(error, Exception):
        return _noted(error, resource, "starting")
    problem = f"failed to start: {type(error).__name__}"
    wrapped = StartupError(resource.name, resource.declared_at, problem)
    wrapped.__cause__ = error
    return wrapped


def timed_out_start(
    resource: Resource[Any],
    error: BaseException,
    seconds: float,
    waiting: Collection[str],
) -> BaseException:
    """Return the error of a startup that its time limit ended with *error*."""
    late = StartupTimeout(resource.name, resource.declared_at, seconds, waiting)
    late.__cause__ = _interrupted(error)
    return late


def skipped_start(
    resource: Resource[Any], dependency: Resource[Any], error: BaseException | None
) -> StartupError:
    """Return the error of an optional resource whose *dependency* failed."""
    problem = f"was not started: its dependency {dependency.name!r} failed"
    skipped = StartupError(resource.name, resource.declared_at, problem)
    skipped.__cause__ = error
    return skipped


def crashed(resource: Resource[Any], error: BaseException | None) -> ResourceCrashed:
    """Return the error of a resource that ended while it was in use."""
    interrupted = _interrupted(error)
    error = error if interrupted is None else interrupted
    kind = "" if error is None else f" with {type(error).__name__}"
    problem = f"ended while it was in use{kind}"
    crash = ResourceCrashed(resource.name, resource.declared_at, problem)
    crash.__cause__ = error
    return crash


def failed_stop(resource: Resource[Any], error: BaseException) -> Exception:
    """Return *error* with a note, or wrapped, as for a startup."""
    if isinstance(error, Exception):
        return _noted(error, resource, "stopping")
    problem = f"failed to stop: {type(error).__name__}"
    wrapped = ShutdownError(resource.name, resource.declared_at, problem)
    wrapped.__cause__ = error
    return wrapped


def timed_out_stop(
    resource: Resource[Any],
    error: BaseException,
    seconds: float,
    waiting: Collection[str],
) -> Exception:
    """Return the error of a shutdown that its time limit ended with *error*."""
    late = ShutdownTimeout(resource.name, resource.declared_at, seconds, waiting)
    late.__cause__ = _interrupted(error)
    return late


def combined(errors: Sequence[Exception], message: str) -> Exception | None:
    """Return the only one of *errors*, an ``ExceptionGroup`` of several, or None."""
    if len(errors) > 1:
        return ExceptionGroup(message, errors)
    return errors[0] if errors else None


def _interrupted(error: BaseException | None) -> BaseException | None:
    # The cancellation was ours; the exception that it interrupted says more.
    while type(error) is CancelledError:
        error = error.__context__
    return error


def _noted(error: Exception, resource: Resource[Any], doing: str) -> Exception:
    location = resource.declared_at.draw()
    note = f"while {doing} lifespan resource {resource.name!r}\n{location}"
    # PEP 678 by hand: Python 3.10 has no add_note(), and the factory may have put
    # something else there.
    before = note_texts(error.__dict__.get("__notes__"))
    if note not in before:  # a factory may raise the same object at every start
        error.__dict__["__notes__"] = [*before, note]
    return error
