"""The plan: who needs whom, and in which order that lets them start."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, final

from .._text import quoted, suggestion
from ..exceptions import (
    DependencyCycle,
    InvalidDeclaration,
    MissingDependency,
    StateNotFound,
)
from .keys import StateKey
from .location import calling_location
from .registry import Registry
from .resources import Resource


def keys_only(only: Any, whose: str = "a lifespan") -> tuple[StateKey[Any], ...]:
    """What ``only=`` was given, if it is keys; raises ``InvalidDeclaration`` if not."""
    listed: list[Any] = [*only] if hasattr(only, "__iter__") else [None]
    if all(isinstance(key, StateKey) for key in listed):
        return tuple(listed)
    raise InvalidDeclaration(
        f"{whose} has only={only!r}, which is not a tuple of keys or resources",
        calling_location(),
        "Write: only=(HTTP,) with the comma, and the keys, not their names.",
    )


@final
class Plan:
    """
    The resources of a lifespan, each after all that it needs.

    Raises ``MissingDependency`` or ``DependencyCycle`` before anything has started, and
    ``StateNotFound`` for a key in *only* that nothing registers. What is *without*,
    because a test overrides it, does not start, nor does what only it needs.
    """

    def __init__(
        self,
        registry: Registry,
        only: Iterable[StateKey[Any]] | None = None,
        without: Collection[str] = (),
    ) -> None:
        self.needs: dict[str, tuple[str, ...]] = {}
        """The names that each resource needs, without repeats."""
        self.needed_by: dict[str, list[str]] = {}
        """The names that need each resource."""
        self.order: list[Resource[Any]] = []
        """Every resource, after its needs."""
        self._registry = registry
        self._without = without
        for resource in self._wanted(only):
            self._visit(resource)
        for resource in self.order:
            for need in self.needs[resource.name]:
                self.needed_by[need].append(resource.name)

    def critical_path(self, finished: dict[str, float]) -> list[str]:
        """The chain that took longest, given when each resource had started."""
        path: list[str] = []
        candidates: Iterable[str] = finished
        while started := [name for name in candidates if name in finished]:
            last = max(started, key=finished.__getitem__)
            path.append(last)
            candidates = self.needs.get(last, ())
        return path[::-1]

    def _wanted(self, only: Iterable[StateKey[Any]] | None) -> list[Resource[Any]]:
        if only is not None:
            return [self._find(key) for key in only if key.name not in self._without]
        unneeded: set[str] = set()
        if self._without:
            unneeded = unneeded_without(self._registry, self._without)
        return [
            resource for resource in self._registry if resource.name not in unneeded
        ]

    def _find(self, key: StateKey[Any]) -> Resource[Any]:
        if key not in self._registry:
            known = [resource.name for resource in self._registry]
            raise StateNotFound(
                key.name,
                f"only= names {key.name!r}, which nothing registers\n"
                f"{suggestion(key.name, known)}Registered: {quoted(known)}.",
            )
        return self._registry[key.name]

    def _visit(self, root: Resource[Any]) -> None:
        # Depth first, without recursion: chains may be longer than Python's stack.
        path: dict[str, Resource[Any]] = {}
        stack: list[tuple[Resource[Any], bool]] = [(root, False)]
        while stack:
            resource, left = stack.pop()
            if left:
                del path[resource.name]
                self.order.append(resource)
                self.needed_by[resource.name] = []
                continue
            if resource.name in self.needed_by:
                continue
            if resource.name in path:
                names = list(path)
                circle = names[names.index(resource.name) :]
                raise DependencyCycle(
                    [(name, path[name].declared_at) for name in circle]
                )
            path[resource.name] = resource
            stack.append((resource, True))
            names_needed = dict.fromkeys(
                need.name for need in resource.needs if need.name not in self._without
            )
            self.needs[resource.name] = tuple(names_needed)
            stack.extend(
                (self._need(resource, name), False) for name in reversed(names_needed)
            )

    def _need(self, resource: Resource[Any], name: str) -> Resource[Any]:
        if name not in self._registry:
            raise MissingDependency(
                resource.name,
                name,
                resource.declared_at,
                [known.name for known in self._registry],
            )
        return self._registry[name]


def unneeded_without(registry: Registry, without: Collection[str]) -> set[str]:
    """The resources *without*, and those that only they need."""
    needed_by: dict[str, set[str]] = {}
    for resource in registry:
        for need in resource.needs:
            needed_by.setdefault(need.name, set()).add(resource.name)
    unneeded = set(without)
    ahead = list(without)
    while ahead:
        name = ahead.pop()
        needs = registry[name].needs if name in registry else ()
        for need in needs:
            if need.name not in unneeded and needed_by[need.name] <= unneeded:
                unneeded.add(need.name)
                ahead.append(need.name)
    return unneeded
