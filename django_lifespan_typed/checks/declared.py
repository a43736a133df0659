"""System checks of what is declared: settings, needs, types, time limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from inspect import iscoroutinefunction
from math import isinf
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from .._declare.plan import Plan
from .._declare.registry import Registry
from .._declare.resources import Resource
from .._declare.value_types import plain_return_type
from .._settings import LifespanSettings, checked_setting
from .._text import quoted, suggestion, type_name
from ..exceptions import DependencyCycle, InvalidSetting
from .messages import error, warning


def check_settings() -> Iterator[CheckMessage]:
    """Each name and value of ``settings.LIFESPAN``."""
    known = [field.name for field in fields(LifespanSettings)]
    given: Any = getattr(settings, "LIFESPAN", {})
    if not isinstance(given, Mapping):
        try:
            LifespanSettings.read()
        except InvalidSetting as wrong:
            yield error("E004", wrong.problem, wrong.fix)
        return
    named: dict[object, object] = {**given}
    for name, value in named.items():
        try:
            checked_setting(name, value, known)
        except InvalidSetting as wrong:
            number = "E004" if name in known else "E003"
            yield error(number, wrong.problem, wrong.fix)


def check_registry(
    registry: Registry, *, is_complete: bool = True
) -> Iterator[CheckMessage]:
    """
    Whether what is registered can start, and what it promises; more may be registered
    by an ``asgi.py`` that was not imported, unless it *is_complete*.
    """
    yield from _check_needs(registry, is_complete)
    for resource in registry:
        if resource.value_type is not None:
            continue
        bare = plain_return_type(resource.factory)
        if bare is not None:
            yield warning(
                "W007",
                f"lifespan resource {resource.name!r} is made by a plain function that "
                f"returns {type_name(bare)}, which can be neither entered nor awaited\n"
                f"{resource.declared_at.draw()}",
                "Write async def where there is nothing to close, or yield the value.",
                resource,
            )
        else:
            yield warning(
                "W007",
                f"the type of lifespan resource {resource.name!r} cannot be known at "
                f"runtime, so its value is not checked\n{resource.declared_at.draw()}",
                "Annotate what the factory yields with names that can be imported at "
                'runtime, or declare it with a key: StateKey[SomeType]("'
                f'{resource.name}"). Where anything will do: StateKey[Any].',
                resource,
            )


def _check_needs(registry: Registry, is_complete: bool) -> Iterator[CheckMessage]:
    names = [resource.name for resource in registry]
    missing: set[str] = set()
    for resource in registry:
        for need in dict.fromkeys(need.name for need in resource.needs):
            if need in registry:
                continue
            missing.add(need)
            problem = (
                f"lifespan resource {resource.name!r} depends on {need!r}, "
                f"which is not registered\n{resource.declared_at.draw()}"
            )
            hint = (
                f"{suggestion(need, names)}Register it, in lifespan.py of an "
                "installed app for example, or remove it from needs=. Registered: "
                f"{quoted(names)}."
            )
            if is_complete:
                yield error("E001", problem, hint, resource)
            else:
                hint += (
                    " Where asgi.py imports what registers it, write in the "
                    'settings: ASGI_APPLICATION = "mysite.asgi.application".'
                )
                yield warning("W009", problem, hint, resource)
    try:
        plan = Plan(registry, without=missing)
    except DependencyCycle as circle:
        # A drawing stays in one piece: the advice is its last line.
        problem, _, remedy = str(circle).rpartition("\n")
        yield error("E002", problem, remedy, registry[circle.cycle[0][0]])
    else:
        yield from _check_stop_limits(plan, registry)


def _check_stop_limits(plan: Plan, registry: Registry) -> Iterator[CheckMessage]:
    try:
        read = LifespanSettings.read()
    except InvalidSetting:
        return  # said by check_settings
    limits = {
        resource.name: limit
        for resource in plan.order
        if (limit := _stop_limit(resource, read))
    }
    seconds, chain = _longest_chain(plan, limits)
    # Managers stop one after the other, too, beside the resources.
    managers = [*registry.managers]
    of_managers = {manager.name: _stop_limit(manager, read) for manager in managers}
    if sum(of_managers.values()) > seconds:
        seconds, chain = sum(of_managers.values()), managers
        limits |= of_managers
    if seconds <= read.STOP_BUDGET or not _is_written(chain):
        return
    # What is needed stops after what needs it.
    stops = [resource for resource in reversed(chain) if resource.name in limits]
    drawn = ", then ".join(
        f"{resource.name!r} ({limits[resource.name]:g} s)" for resource in stops
    )
    yield warning(
        "W008",
        f"lifespan resources that stop one after the other may take {seconds:g} s, "
        f"above the stop budget of {read.STOP_BUDGET:g} s: {drawn}",
        "What stops last has only what the others leave of the budget. Lower "
        'stop_timeout= or LIFESPAN["STOP_TIMEOUT"], or raise LIFESPAN["STOP_BUDGET"], '
        "which has to stay below what the orchestrator allows.",
        stops[-1],
    )


def _longest_chain(
    plan: Plan, limits: dict[str, float]
) -> tuple[float, list[Resource[Any]]]:
    """The chain of needs with the highest sum of *limits*."""
    sums: dict[str, float] = {}
    longest: dict[str, str | None] = {}
    for resource in plan.order:
        name = resource.name
        needs = [need for need in plan.dependencies[name] if need in sums]
        longest[name] = max(needs, key=sums.__getitem__, default=None)
        sums[name] = limits.get(name, 0.0) + max(
            map(sums.__getitem__, needs), default=0
        )
    by_name = {resource.name: resource for resource in plan.order}
    end = max(sums, key=sums.__getitem__, default=None)
    total = 0.0 if end is None else sums[end]
    chain: list[Resource[Any]] = []
    while end is not None:
        chain.insert(0, by_name[end])
        end = longest[end]
    return total, chain


def _stop_limit(resource: Resource[Any], read: LifespanSettings) -> float:
    if iscoroutinefunction(resource.factory):
        return 0.0  # there is nothing to clean up
    own = resource.stop_timeout
    limit = read.STOP_TIMEOUT if own is None else own
    return 0.0 if isinf(limit) else limit  # it leaves it to the budget


def _is_written(chain: list[Resource[Any]]) -> bool:
    # Three of the defaults are above the default budget, and nobody has promised them.
    given = getattr(settings, "LIFESPAN", {})
    return (
        "STOP_TIMEOUT" in given
        or "STOP_BUDGET" in given
        or any(resource.stop_timeout is not None for resource in chain)
    )
