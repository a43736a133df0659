"""The values of a run by name, each name with one owner and of its promised type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from .._declare.plan import Plan
from .._declare.resources import Resource
from .._declare.value_types import described, fits
from ..exceptions import DuplicateName, InvalidFactory, InvalidValue


@final
class Publication:
    """Gives what started to *publish*, with its name."""

    def __init__(self, plan: Plan, publish: Callable[[str, object], None]) -> None:
        self._publish = publish
        self._plan = plan
        self._publishers = {resource.name: resource for resource in plan.order}

    def publish(self, resource: Resource[Any], value: object) -> None:
        """
        The value of a resource under its name.

        Raises ``InvalidValue`` where another key that names it promises another type.
        """
        for name in self._plan.needed_by[resource.name]:
            for need in self._publishers[name].needs:
                if need.name != resource.name or need is resource:
                    continue
                expected = need.value_type
                if expected is not None and not fits(value, expected):
                    raise InvalidValue(
                        resource.name,
                        resource.declared_at,
                        value,
                        described(expected),
                        need.declared_at,
                    )
        self._publish(resource.name, value)

    def publish_all(self, manager: Resource[Any], values: object) -> None:
        """
        The names and values of a manager.

        Raises ``InvalidFactory`` where it yielded anything else, ``DuplicateName``
        where a name is taken.
        """
        if not isinstance(values, Mapping):
            raise InvalidFactory(
                manager.name,
                manager.declared_at,
                f"yielded {values!r}, not names and values",
                'Write: yield {"some_name": value}',
            )
        named: dict[Any, Any] = {**values}
        for name, value in named.items():
            if not isinstance(name, str):
                raise InvalidFactory(
                    manager.name,
                    manager.declared_at,
                    f"yielded a value under {name!r}, which is no string",
                    'Write: yield {"some_name": value}',
                )
            owner = self._publishers.setdefault(name, manager)
            if owner is not manager:
                raise DuplicateName(name, (owner.declared_at, manager.declared_at))
            self._publish(name, value)
