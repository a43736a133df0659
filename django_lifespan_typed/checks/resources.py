"""System checks of the registered resources: dependencies, types, time limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from inspect import isclass, iscoroutinefunction
from math import isinf
from typing import Any, TypeAlias, get_origin

from django.core.checks import CheckMessage, Error, Warning as Warn

from .._declare.plan import Plan
from .._declare.registry import Registry
from .._declare.resources import Resource, unclosed
from .._declare.value_types import is_context_manager, unclosed_type
from .._settings import LifespanSettings, given_settings
from ..exceptions import DependencyCycle, InvalidSetting, MissingDependency


def check_registry(registry: Registry, *, is_complete: bool) -> Iterator[CheckMessage]:
    """
    Check that the resources can start, and that their types are known.

    A missing dependency is an error if the registry *is_complete*, else a warning.
    """
    missing: set[str] = set()
    for resource in registry:
        for need in dict.fromkeys(need.name for need in resource.needs):
            if need not in registry:
                missing.add(need)
                yield _missing_dependency(registry, resource, need, is_complete)
    try:
        plan = Plan(registry, without=missing)
    except DependencyCycle as error:
        problem, _, hint = str(error).rpartition("\n")
        yield Error(problem, hint=hint, id="lifespan.E002")
    else:
        yield from _check_stop_limits(plan.order, registry.managers)
    for resource in registry:
        if resource.value_type is None:
            yield _unknown_type(resource)
        cls = unclosed_type(resource.factory, resource.value_type)
        if cls is not None:
            yield _unclosed(resource, cls)


def _missing_dependency(
    registry: Registry, resource: Resource[Any], need: str, is_complete: bool
) -> CheckMessage:
    known = [known.name for known in registry]
    error = MissingDependency(resource.name, need, resource.declared_at, known)
    problem, _, hint = str(error).rpartition("\n")
    if is_complete:
        return Error(problem, hint=hint, obj=resource, id="lifespan.E001")
    hint += (
        " If asgi.py registers it, write in the settings: "
        'ASGI_APPLICATION = "mysite.asgi.application".'
    )
    return Warn(problem, hint=hint, obj=resource, id="lifespan.W006")


def _unclosed(resource: Resource[Any], cls: type) -> CheckMessage:
    problem, hint = unclosed(resource, cls)
    return Warn(
        f"{problem}\n{resource.declared_at.draw()}",
        hint=hint,
        obj=resource,
        id="lifespan.W009",
    )


def _unknown_type(resource: Resource[Any]) -> CheckMessage:
    problem = (
        f"the type of lifespan resource {resource.name!r} is not known at runtime, "
        "so its value is not checked"
    )
    hint = (
        "Annotate the factory with names that can be imported at runtime, or "
        f'declare the resource with a key: StateKey[SomeType]("{resource.name}"). '
        "If any type will do, write StateKey[Any]."
    )
    return Warn(
        f"{problem}\n{resource.declared_at.draw()}",
        hint=hint,
        obj=resource,
        id="lifespan.W007",
    )


# --- Time limits: a shutdown must fit into its budget


_Chain: TypeAlias = list[tuple[Resource[Any], float]]
"""Resources and their limits; they shut down one after the other, the last first."""


def _check_stop_limits(
    order: Iterable[Resource[Any]], managers: Sequence[Resource[Any]]
) -> Iterator[CheckMessage]:
    """
    Check that no chain of shutdowns may take longer than the stop budget.

    *order* has each resource after its dependencies.
    """
    try:
        limits = LifespanSettings.read()
    except InvalidSetting:
        return  # check_settings() reports it
    # For each resource, the longest chain of dependencies that ends with it.
    chains: dict[str, _Chain] = {}
    for resource in order:
        needed = (chains.get(need.name, []) for need in resource.needs)
        longest: _Chain = max([[], *needed], key=_seconds)
        chains[resource.name] = [*longest, (resource, _stop_limit(resource, limits))]
    of_managers = [(manager, _stop_limit(manager, limits)) for manager in managers]
    longest = max([*chains.values(), of_managers], key=_seconds)
    chain = [(resource, limit) for resource, limit in longest if limit]
    seconds = _seconds(chain)
    if seconds <= limits.STOP_BUDGET or not _is_chosen(chain):
        return
    # A resource shuts down before its dependencies.
    listed = ", then ".join(
        f"{resource.name!r} ({limit:g} s)" for resource, limit in reversed(chain)
    )
    yield Warn(
        f"lifespan resources that shut down one after the other may take {seconds:g} "
        f"s, more than the stop budget of {limits.STOP_BUDGET:g} s: {listed}",
        hint="The last one has only the rest of the budget. Lower stop_timeout= or "
        'LIFESPAN["STOP_TIMEOUT"], or raise LIFESPAN["STOP_BUDGET"], which must stay '
        "below the limit of the orchestrator.",
        obj=chain[0][0],
        id="lifespan.W008",
    )


def _seconds(chain: _Chain) -> float:
    return sum(limit for _, limit in chain)


def _stop_limit(resource: Resource[Any], limits: LifespanSettings) -> float:
    if iscoroutinefunction(resource.factory):
        cls = get_origin(resource.value_type) or resource.value_type
        if not (isclass(cls) and is_context_manager(cls)):
            return 0.0  # it has no cleanup
    own = resource.stop_timeout
    limit = limits.STOP_TIMEOUT if own is None else own
    return 0.0 if isinf(limit) else limit  # only the budget limits it


def _is_chosen(chain: _Chain) -> bool:
    """Return whether the project chose a limit: three defaults exceed the budget."""
    is_set = not {"STOP_TIMEOUT", "STOP_BUDGET"}.isdisjoint(given_settings())
    return is_set or any(resource.stop_timeout is not None for resource, _ in chain)
