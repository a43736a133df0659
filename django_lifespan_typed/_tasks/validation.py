"""Validation of the arguments of lifespan_task."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isasyncgenfunction, isgeneratorfunction
from math import inf
from typing import Any, get_args

from asgiref.sync import iscoroutinefunction

from .._declare.keys import StateKey, kind_of, wrong_keys
from .._declare.location import Location
from .._declare.registry import Registry
from .._declare.signatures import unfit_signature
from .._settings import is_seconds, not_seconds
from .._text import suggestion, type_name
from ..exceptions import InvalidDeclaration
from .lifespan_task import LifespanTask, Restart

OPTIONS = (
    "registry",
    "exclusive",
    "restart",
    "backoff",
    "every",
    "stop_timeout",
    "optional",
)


def check_name(name: object, needs: Any, location: Location) -> None:
    """Raise ``InvalidDeclaration`` for a wrong *name* or wrong *needs*."""
    if not isinstance(name, str) or not name:
        written = getattr(name, "__name__", "some_name")
        raise InvalidDeclaration(
            f"lifespan_task() takes a name, not {kind_of(name)}",
            location,
            f'Write: @lifespan_task("{written}")',
        )
    problem, _, fix = wrong_keys("needs", needs).partition("\n")
    if problem:
        raise InvalidDeclaration(f"lifespan task {name!r} {problem}", location, fix)


def check_options(name: str, options: Mapping[str, Any], location: Location) -> None:
    """Raise ``InvalidDeclaration`` for an unknown option or a wrong value."""
    for option, value in options.items():
        problem, fix = _option_problem(option, value)
        if problem:
            raise InvalidDeclaration(
                f"{option}= of lifespan task {name!r} {problem}", location, fix
            )
    if options.get("every") is not None:
        for option in {"restart", "backoff"} & options.keys():
            raise InvalidDeclaration(
                f"lifespan task {name!r} has both every= and {option}=",
                location,
                f"Leave {option}= out: every= says when it runs again.",
            )


def _option_problem(option: str, value: Any) -> tuple[str, str]:
    """Return what is wrong with *value*, and what to write; "" if nothing is."""
    given = kind_of(value)
    if option in {"every", "stop_timeout"}:
        is_valid = value is None or is_seconds(value)
        problem, fix = not_seconds(value), f"Write: {option}=60, or leave it out."
        if option == "every" and value == inf:
            is_valid, problem = False, "is infinite"
    elif option == "restart":
        is_valid = value in get_args(Restart)
        given = repr(value) if isinstance(value, str) else given
        problem = f"is {given}"
        fix = f"Write one of: {', '.join(map(repr, get_args(Restart)))}."
    elif option == "backoff":
        is_valid = _is_backoff(value)
        problem = "is not a pair of seconds, the first at most as long as the second"
        fix = "Write: backoff=(1, 60)"
    elif option == "exclusive":
        from ..locks import Lock  # most projects need no lock

        is_valid = value is None or isinstance(value, Lock)
        problem = f"is {given}, not a lock"
        fix = (
            "Write: exclusive=DatabaseLock(), or another lock of "
            "django_lifespan_typed.locks."
        )
    elif option == "optional":
        is_valid = isinstance(value, bool)
        problem = f"is {given}, not True or False"
        fix = "Write: optional=True, or leave it out."
    else:
        is_valid = option == "registry"  # registry_or_default() checks it
        problem = "is no option of lifespan_task()"
        fix = f"{suggestion(option, OPTIONS)}Known: needs, {', '.join(OPTIONS)}."
    return ("", "") if is_valid else (problem, fix)


def _is_backoff(value: Any) -> bool:
    try:
        first, longest = value
    except (TypeError, ValueError):
        return False
    return is_seconds(first) and is_seconds(longest) and first <= longest < inf


def check_function(
    name: str, function: Any, needs: tuple[StateKey[Any], ...], location: Location
) -> None:
    """Raise ``InvalidDeclaration`` if *function* cannot be the task's function."""
    given: object = function
    called = getattr(function, "__name__", type_name(type(given)))
    shown = getattr(function, "__name__", "")
    shown = shown if shown.isidentifier() else "some_name"
    names = ", ".join(need.name if need.name.isidentifier() else "_" for need in needs)
    written = f"\n    async def {shown}({names}) -> None:\n        ..."
    problem, fix = "", f"Write an async function:{written}"
    if isasyncgenfunction(function) or isgeneratorfunction(function):
        problem = f"decorates the generator function {called}"
        fix = f"Write an async function without yield:{written}"
    elif not callable(function):
        problem = f"decorates {kind_of(function)}"
    elif not iscoroutinefunction(function):
        problem = f"decorates {called}, which is not async"
        fix += "\nIn it, run blocking code by: await asyncio.to_thread(...)"
    elif (takes := unfit_signature(function, needs)) is not None:
        passed = ", ".join(repr(need.name) for need in needs) or "nothing"
        problem = f"passes {passed} to a function that takes {takes}"
        fix = (
            f"Give {called} one parameter for each dependency in needs=, in its order."
        )
    if problem:
        raise InvalidDeclaration(f"lifespan task {name!r} {problem}", location, fix)


def check_lock_name(task: LifespanTask[...], registry: Registry) -> None:
    """Raise ``InvalidDeclaration`` if another task has the lock of *task*."""
    for other in registry:
        if not isinstance(other, LifespanTask) or task.exclusive is None:
            continue
        if other.name == task.name:
            continue  # registry.add() refuses it
        if other.exclusive is not None and other.lock_name == task.lock_name:
            raise InvalidDeclaration(
                f"lifespan task {task.name!r} has the lock {task.lock_name!r}, which "
                f"{other.name!r} has, too\n{other.declared_at.draw()}",
                task.declared_at,
                "Give each task a lock of its own: leave out its name or path.",
            )
