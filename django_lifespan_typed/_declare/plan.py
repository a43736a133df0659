"""Plan: the start order of resources, derived from their dependencies."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any, final

from .._text import quoted, suggestion
from ..exceptions import (
    DependencyCycle,
    InvalidDeclaration,
    MissingDependency,
    StateNotFound,
)
from .keys import StateKey, wrong_keys
from .location import calling_location
from .registry import Registry
from .resources import Resource


def keys_only(only: Any, owner: str = "a lifespan") -> tuple[StateKey[Any], ...]:
    """
    Return *only* as a tuple of keys.

    Raises ``InvalidDeclaration``, which names *owner*, if it is anything else.
    """
    is_listed = hasattr(only, "__iter__") and not isinstance(only, str)
    keys: Any = tuple(only) if is_listed else only
    problem, _, fix = wrong_keys("only", keys).partition("\n")
    if problem:
        raise InvalidDeclaration(f"{owner} {problem}", calling_location(), fix)
    return keys  # type: ignore[no-any-return]


@final
class Plan:
    """
    The start order of a registry's resources.

    *only* limits it to some keys and their dependencies. Resources *without*, which
    a test overrides, are left out, as are those that only they depend on.

    Raises ``MissingDependency``, ``DependencyCycle``, or ``StateNotFound`` for a key
    in *only* that is not registered.
    """

    def __init__(
        self,
        registry: Registry,
        only: Iterable[StateKey[Any]] | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.dependencies: dict[str, tuple[str, ...]] = {}
        """The names that each resource depends on, without repeats."""
        pending = deque(_selected(registry, only, without))
        while pending:
            resource = pending.popleft()
            if resource.name not in self.dependencies:
                needed: tuple[str, ...] = ()
                if resource.needs:
                    names = dict.fromkeys(need.name for need in resource.needs)
                    needed = tuple(name for name in names if name not in without)
                    pending += [
                        _dependency(registry, resource, name) for name in needed
                    ]
                self.dependencies[resource.name] = needed
        try:
            names_in_order = [*TopologicalSorter(self.dependencies).static_order()]
        except CycleError as error:
            # The first is repeated at the end; each is a dependency of the next.
            cycle: list[str] = error.args[1][:0:-1]
            raise DependencyCycle(
                [(name, registry[name].declared_at) for name in cycle]
            ) from None
        self.order: list[Resource[Any]] = [registry[name] for name in names_in_order]
        """Every resource, after its dependencies."""
        self.dependents: dict[str, list[str]] = {name: [] for name in names_in_order}
        """The names that depend on each resource, in start order."""
        for name in names_in_order:
            for dependency in self.dependencies[name]:
                self.dependents[dependency].append(name)


def unneeded_without(registry: Registry, without: Collection[str]) -> set[str]:
    """Return the names *without*, and those that only they depend on."""
    unneeded = set(without)
    while True:
        lost: set[str] = set()
        needed: set[str] = set()
        for resource in registry:
            names = lost if resource.name in unneeded else needed
            names.update(need.name for need in resource.needs)
        found = lost - needed - unneeded
        if not found:
            return unneeded
        unneeded |= found


def _selected(
    registry: Registry,
    only: Iterable[StateKey[Any]] | None,
    without: Collection[str],
) -> list[Resource[Any]]:
    if only is None:
        unneeded = unneeded_without(registry, without) if without else ()
        return [resource for resource in registry if resource.name not in unneeded]
    keys = [key for key in only if key.name not in without]
    for key in keys:
        if key not in registry:
            known = [resource.name for resource in registry]
            raise StateNotFound(
                key.name,
                f"only= names {key.name!r}, which is not registered\n"
                f"{suggestion(key.name, known)}Registered: {quoted(known)}.",
            )
    return [registry[key.name] for key in keys]


def _dependency(
    registry: Registry, resource: Resource[Any], name: str
) -> Resource[Any]:
    if name not in registry:
        raise MissingDependency(
            resource.name,
            name,
            resource.declared_at,
            [known.name for known in registry],
        )
    return registry[name]
