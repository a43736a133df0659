"""What is registered: resources by name, managers in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, final

from ..exceptions import DuplicateName, InvalidDeclaration
from ..types import State
from .keys import StateKey
from .location import Location
from .resources import Resource

ManagerFactory: TypeAlias = Callable[[], AbstractAsyncContextManager[State]]


@final
class Registry:
    """
    What a lifespan starts. One name has one owner; a manager is kept once,
    however often it is added.
    """

    def __init__(self) -> None:
        self._resources: dict[str, Resource[Any]] = {}
        self._managers: list[Resource[State]] = []
        self._origin: Registry | None = None

    def add(self, resource: Resource[Any]) -> None:
        """
        Register *resource*; raises ``DuplicateName`` where its name is taken, and
        ``InvalidDeclaration`` where what must start needs what may not.
        """
        owner = self._resources.get(resource.name)
        if owner is not None:
            raise DuplicateName(
                resource.name, (owner.declared_at, resource.declared_at)
            )
        self._refuse_needed_optional(resource)
        self._resources[resource.name] = resource

    def _refuse_needed_optional(self, added: Resource[Any]) -> None:
        for need in added.needs:
            known = self._resources.get(need.name, need)
            if isinstance(known, Resource):
                _refuse_if_optional(known, added)
        if added.optional:
            for resource in self:
                if any(need.name == added.name for need in resource.needs):
                    _refuse_if_optional(added, resource)

    def add_manager(self, manager: ManagerFactory, location: Location) -> None:
        """Register *manager*, whose value is names and values; once if repeated."""
        if not callable(manager):
            raise InvalidDeclaration(
                f"a lifespan manager is {manager!r}, which cannot be called",
                location,
                "Pass the function that @asynccontextmanager decorates, uncalled.",
            )
        if not any(known.factory == manager for known in self._managers):
            name = f"manager {_qualified(manager)}"
            same = sum(known.name.split(" #")[0] == name for known in self._managers)
            name += f" #{same + 1}" if same else ""
            self._managers.append(Resource(name, manager, location=location))

    def copy(self) -> Registry:
        """Another registry of the same resources and managers."""
        twin = Registry()
        twin._resources = dict(self._resources)
        twin._managers = list(self._managers)
        twin._origin = self.origin
        return twin

    @property
    def origin(self) -> Registry:
        """What it is a copy of, or else itself."""
        return self._origin or self

    @property
    def managers(self) -> tuple[Resource[State], ...]:
        """The managers, in the order in which they were registered."""
        return tuple(self._managers)

    def __contains__(self, key: object, /) -> bool:
        return (key.name if isinstance(key, StateKey) else key) in self._resources

    def __getitem__(self, name: str, /) -> Resource[Any]:
        return self._resources[name]

    def __iter__(self) -> Iterator[Resource[Any]]:
        return iter(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)

    def __repr__(self) -> str:
        return f"<Registry of {', '.join(self._resources) or 'nothing'}>"


def _refuse_if_optional(need: Resource[Any], resource: Resource[Any]) -> None:
    if need.optional and not resource.optional:
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} is not optional, but needs "
            f"{need.name!r}, which is\n{need.declared_at.draw()}",
            resource.declared_at,
            f"Write optional=True for {resource.name!r} too, or leave it out for "
            f"{need.name!r}.",
        )


def _qualified(manager: object) -> str:
    function = getattr(manager, "func", manager)  # functools.partial
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{getattr(function, '__module__', '?')}.{name}"


default_registry = Registry()
"""What ``lifespan_resource`` and ``register_lifespan_manager`` fill."""


def registry_or_default(registry: Registry | None) -> Registry:
    return default_registry if registry is None else registry


def manager_resource(
    factory: ManagerFactory, location: Location, names: Any
) -> Resource[State]:
    name = f"manager {_qualified(factory)}"
    same = sum(known.split(" #")[0] == name for known in names)
    return Resource(f"{name} #{same + 1}" if same else name, factory, location=location)
