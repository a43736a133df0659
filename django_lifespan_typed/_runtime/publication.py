"""Publication: puts started values on the state, each name with one owner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from .._declare.plan import Plan
from .._declare.resources import Resource
from .._declare.value_types import described, fits
from .._text import type_name
from ..exceptions import DuplicateName, InvalidFactory, InvalidValue


@final
class Publication:
    """Checks what a resource or manager has started with, and publishes it."""

    def __init__(self, plan: Plan, publish: Callable[[str, object], None]) -> None:
        self._plan = plan
        self._publish = publish
        self._owners = {resource.name: resource for resource in plan.order}

    def publish(self, owner: Resource[Any], value: object) -> None:
        """
        Publish the value of a resource, or the names and values of a manager.

        Raises ``InvalidValue``, ``InvalidFactory`` or ``DuplicateName``.
        """
        if owner.name in self._plan.dependencies:
            self._check_keys(owner, value)
            self._publish(owner.name, value)
        else:
            self._publish_all(owner, value)

    def _check_keys(self, resource: Resource[Any], value: object) -> None:
        # Dependents may name the resource by keys of their own.
        for name in self._plan.dependents.get(resource.name, ()):
            for key in self._owners[name].needs:
                expected = key.value_type
                if (
                    key.name == resource.name
                    and key is not resource
                    and expected is not None
                    and not fits(value, expected)
                ):
                    raise InvalidValue(
                        resource.name,
                        resource.declared_at,
                        value,
                        described(expected),
                        key.declared_at,
                    )

    def _publish_all(self, manager: Resource[Any], values: object) -> None:
        if not isinstance(values, Mapping):
            raise _invalid(manager, f"yielded {type_name(type(values))}, not a mapping")
        named: dict[Any, Any] = {**values}
        for name, value in named.items():
            if not isinstance(name, str):
                raise _invalid(manager, "yielded a name that is not a string")
            owner = self._owners.setdefault(name, manager)
            if owner is not manager:
                raise DuplicateName(name, (owner.declared_at, manager.declared_at))
            self._publish(name, value)


def _invalid(manager: Resource[Any], problem: str) -> InvalidFactory:
    return InvalidFactory(
        manager.name,
        manager.declared_at,
        problem,
        'Write: yield {"some_name": value}',
    )
