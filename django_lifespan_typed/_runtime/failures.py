"""What is raised or logged of a resource, for what its factory raised."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Collection
from typing import Any

from .._declare.resources import Resource
from .._text import notes_of
from ..exceptions import (
    ResourceCrashed,
    ShutdownError,
    ShutdownTimeout,
    StartupError,
    StartupTimeout,
)


def late_start(
    resource: Resource[Any],
    error: BaseException,
    seconds: float,
    waiting: Collection[str],
) -> BaseException:
    """A start that its time limit has ended, with *error*."""
    late = StartupTimeout(resource.name, resource.declared_at, seconds, waiting)
    late.__cause__ = _own_cause(error)
    return late


def late_stop(
    resource: Resource[Any],
    error: BaseException,
    seconds: float,
    waiting: Collection[str],
) -> Exception:
    """A stop that its time limit has ended, with *error*."""
    late = ShutdownTimeout(resource.name, resource.declared_at, seconds, waiting)
    late.__cause__ = _own_cause(error)
    return late


def failed_start(resource: Resource[Any], error: BaseException) -> BaseException:
    """
    *error* with a note that names *resource*; wrapped where it is no ``Exception``,
    which would end the loop, or look like a cancellation.
    """
    if isinstance(error, StartupError):
        return error
    if isinstance(error, Exception):
        return _noted(error, resource, "starting")
    problem = f"failed to start: {type(error).__name__}"
    wrapped = StartupError(resource.name, resource.declared_at, problem)
    wrapped.__cause__ = error
    return wrapped


def skipped_start(
    resource: Resource[Any], need: Resource[Any], error: BaseException | None
) -> StartupError:
    """An optional resource without *need*, which failed with *error*."""
    problem = f"was not started: {need.name!r}, which it needs, failed"
    wrapped = StartupError(resource.name, resource.declared_at, problem)
    wrapped.__cause__ = error
    return wrapped


def failed_stop(resource: Resource[Any], error: BaseException) -> Exception:
    """*error*, noted or wrapped as for a start."""
    if isinstance(error, Exception):
        return _noted(error, resource, "stopping")
    problem = f"failed to stop: {type(error).__name__}"
    wrapped = ShutdownError(resource.name, resource.declared_at, problem)
    wrapped.__cause__ = error
    return wrapped


def crashed(resource: Resource[Any], error: BaseException | None) -> ResourceCrashed:
    """A resource that has ended while in use, with *error* if with any."""
    error = _own_cause(error) or error
    kind = "" if error is None else f" with {type(error).__name__}"
    crash = ResourceCrashed(
        resource.name, resource.declared_at, f"ended while in use{kind}"
    )
    crash.__cause__ = error
    return crash


def _own_cause(error: BaseException | None) -> BaseException | None:
    # The cancellation was ours, and says nothing; what it interrupted may.
    while type(error) is CancelledError:
        error = error.__context__
    return error


def _noted(error: Exception, resource: Resource[Any], doing: str) -> Exception:
    place = resource.declared_at.draw()
    note = f"while {doing} lifespan resource {resource.name!r}\n{place}"
    # PEP 678, also on Python 3.10, where the backport's tracebacks show it. Whoever
    # raised it may have put there what is no list.
    before: Any = error.__dict__.get("__notes__")
    error.__dict__["__notes__"] = [*notes_of(before), note]
    return error
