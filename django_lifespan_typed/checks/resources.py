"""System checks of the registered resources: dependencies, types, time limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning as Warn

from .._declare.plan import Plan
from .._declare.registry import Registry
from .._declare.resources import Resource, unclosed
from .._declare.value_types import unclosed_type
from ..exceptions import DependencyCycle, MissingDependency
from .time_limits import check_stop_limits


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
        yield from check_stop_limits(plan.order, registry.managers)
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
