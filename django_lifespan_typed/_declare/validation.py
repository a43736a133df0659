"""Validation of the arguments of lifespan_resource."""

from __future__ import annotations

from inspect import isclass
from typing import Any, TypedDict

from .._settings import is_seconds
from .._text import suggestion, type_name
from ..exceptions import InvalidDeclaration
from .factories import Factory
from .keys import StateKey
from .location import Location
from .registry import Registry, registry_or_default
from .resources import Resource, example
from .signatures import unfit_signature
from .value_types import can_be_opened, plain_return_type


class Options(TypedDict, total=False):
    """The options that every overload of ``lifespan_resource`` takes."""

    registry: Registry | None
    start_timeout: float | None
    stop_timeout: float | None
    optional: bool


class Declaration:
    """
    The arguments of ``lifespan_resource``, which wait for the factory.

    Raises ``InvalidDeclaration`` for arguments that cannot work.
    """

    def __init__(
        self,
        key: str | StateKey[Any],
        needs: tuple[StateKey[Any], ...],
        options: Options,
        location: Location,
    ) -> None:
        given: Any = key
        if not isinstance(given, str | StateKey) or given == "":
            raise InvalidDeclaration(
                f"lifespan_resource() takes a name or a StateKey, not {given!r}",
                location,
                'Write: @lifespan_resource("some_name")',
            )
        self._key = None if isinstance(key, str) else key
        self._name = name = key if isinstance(key, str) else key.name
        self._needs = needs
        self._options = options
        self._location = location
        _check_needs(name, needs, location)
        for option, value in options.items():
            _check_option(name, option, value, location)
        self._registry = registry_or_default(options.get("registry"))

    def register(self, factory: Factory) -> Resource[Any]:
        """
        Return the resource of *factory*, after adding it to the registry.

        Raises ``InvalidDeclaration`` for a factory that cannot work, and
        ``DuplicateName``.
        """
        resource = Resource[Any](
            self._name,
            factory,
            location=self._location,
            key=self._key,
            needs=self._needs,
            start_timeout=self._options.get("start_timeout"),
            stop_timeout=self._options.get("stop_timeout"),
            optional=self._options.get("optional", False),
        )
        _check_factory(resource)
        self._registry.add(resource)
        return resource


def _check_needs(name: str, needs: Any, location: Location) -> None:
    listed: list[Any] = [*needs] if isinstance(needs, tuple) else [None]
    if not all(isinstance(need, StateKey) for need in listed):
        raise InvalidDeclaration(
            f"lifespan resource {name!r} has needs={needs!r}, "
            "which is not a tuple of keys or resources",
            location,
            "Write: needs=(HTTP,) with the comma, and the keys, not their names.",
        )


def _check_option(name: str, option: str, value: object, location: Location) -> None:
    if option in {"start_timeout", "stop_timeout"}:
        is_valid = value is None or is_seconds(value)
        expected = "a number of seconds above 0"
        fix = f'Write: {option}=5.0, or {option}=float("inf") for no limit.'
    elif option == "optional":
        is_valid = isinstance(value, bool)
        expected = "True or False"
        fix = "Write: optional=True, or leave it out."
    elif option == "registry":
        return  # registry_or_default() checks it
    else:
        known = ("needs", *Options.__annotations__)
        raise InvalidDeclaration(
            f"lifespan_resource() has no option {option!r}",
            location,
            f"{suggestion(option, known)}Known: {', '.join(known)}.",
        )
    if not is_valid:
        raise InvalidDeclaration(
            f"lifespan resource {name!r} has {option}={value!r}, "
            f"which is not {expected}",
            location,
            fix,
        )


def _check_factory(resource: Resource[Any]) -> None:
    factory, takes = resource.factory, unfit_signature(resource.factory, resource.needs)
    name = getattr(factory, "__qualname__", type_name(type(factory)))
    if takes is not None:
        passed = ", ".join(repr(need.name) for need in resource.needs) or "nothing"
        fix = f"Give {name} one parameter for each dependency in needs=, in its order."
        if next(iter(takes.parameters), "") == "self":
            fix = f"Move {name} out of its class, to module level."
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} passes {passed} to a factory "
            f"that takes {takes}",
            resource.declared_at,
            fix,
        )
    problem, value = "", "..."
    if isclass(factory):
        if not can_be_opened(factory):
            problem = f"decorates the class {name}, which is not a context manager"
            value = f"{factory.__name__}(...)"
    elif (returned := plain_return_type(factory)) is not None:
        problem = (
            f"decorates the plain function {name}, which returns "
            f"{type_name(returned)}: neither a context manager nor awaitable"
        )
    if problem:
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} {problem}",
            resource.declared_at,
            f"Yield the value from a generator:{example(resource.name, value)}",
        )
