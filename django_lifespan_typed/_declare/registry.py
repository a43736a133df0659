"""Registry: the resources and managers that a lifespan starts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias, final

from .._text import quoted, type_name
from ..exceptions import DuplicateName, InvalidDeclaration
from ..types import State
from .keys import StateKey
from .location import Location, calling_location
from .resources import Resource

ManagerFactory: TypeAlias = Callable[[], AbstractAsyncContextManager[State]]


@final
class Registry:
    """
    The resources and managers that a lifespan starts.

    The names of resources are unique. A manager that is added again is kept once.
    """

    def __init__(self) -> None:
        self._resources: dict[str, Resource[Any]] = {}
        self._managers: list[Resource[State]] = []

    def add(self, resource: Resource[Any]) -> None:
        """
        Add a resource.

        Raises ``DuplicateName`` if its name is taken, and ``InvalidDeclaration`` if
        one that is not optional would depend on one that is.
        """
        other = self._resources.get(resource.name)
        if other is not None:
            raise DuplicateName(
                resource.name, (other.declared_at, resource.declared_at)
            )
        for need in resource.needs:
            known = self._resources.get(need.name, need)
            if isinstance(known, Resource):
                _refuse_optional(known, resource)
        if resource.optional:
            for dependent in self:
                if any(need.name == resource.name for need in dependent.needs):
                    _refuse_optional(resource, dependent)
        self._resources[resource.name] = resource

    def add_manager(self, factory: ManagerFactory, location: Location) -> None:
        """
        Add a manager: a resource whose value is a mapping of names to values.

        Raises ``InvalidDeclaration`` if *factory* cannot be called.
        """
        if not any(known.factory == factory for known in self._managers):
            names = [known.name for known in self._managers]
            self._managers.append(manager_resource(factory, location, names))

    @property
    def managers(self) -> tuple[Resource[State], ...]:
        """The managers in the order in which they were added."""
        return tuple(self._managers)

    def __contains__(self, key: object, /) -> bool:
        return (key.name if isinstance(key, StateKey) else key) in self._resources

    def __getitem__(self, key: StateKey[Any] | str, /) -> Resource[Any]:
        return self._resources[key.name if isinstance(key, StateKey) else key]

    def __iter__(self) -> Iterator[Resource[Any]]:
        return iter(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)

    def __repr__(self) -> str:
        return f"<Registry of {quoted(self._resources)}>"


default_registry = Registry()
"""The registry of ``lifespan_resource`` and ``register_lifespan_manager``."""


def registry_or_default(registry: Registry | None) -> Registry:
    """
    Return *registry*, or the default registry for None.

    Raises ``InvalidDeclaration`` for anything else.
    """
    if registry is None:
        return default_registry
    given: Any = registry
    if not isinstance(given, Registry):
        raise InvalidDeclaration(
            f"registry= is a {type_name(type(registry))}, which is not a Registry",
            calling_location(),
            "Write: registry=Registry(), or leave it out for the default one.",
        )
    return registry


def manager_resource(
    factory: ManagerFactory, location: Location, taken_names: Collection[str]
) -> Resource[State]:
    """
    Return the resource of a manager, which is named after its *factory*.

    The name is "manager module.qualname", with a number if it is among *taken_names*.
    Raises ``InvalidDeclaration`` if *factory* cannot be called.
    """
    if not callable(factory):
        raise InvalidDeclaration(
            f"a lifespan manager is of type {type_name(type(factory))}, "
            "which cannot be called",
            location,
            "Pass the function that @asynccontextmanager decorates, without calling "
            "it.",
        )
    function = getattr(factory, "func", factory)  # functools.partial
    qualname = getattr(function, "__qualname__", None) or type(function).__qualname__
    name = base = f"manager {getattr(function, '__module__', '?')}.{qualname}"
    number = 1
    while name in taken_names:
        number += 1
        name = f"{base} #{number}"
    return Resource(name, factory, location=location)


def _refuse_optional(dependency: Resource[Any], resource: Resource[Any]) -> None:
    if dependency.optional and not resource.optional:
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} is not optional, but depends on "
            f"{dependency.name!r}, which is\n{dependency.declared_at.draw()}",
            resource.declared_at,
            f"Write optional=True for {resource.name!r} too, or remove it from "
            f"{dependency.name!r}.",
        )
