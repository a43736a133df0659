"""Validation of the arguments of lifespan_resource."""

from __future__ import annotations

from inspect import isclass, isfunction
from typing import Any, TypedDict

from .._settings import is_seconds, not_seconds
from .._text import suggestion, type_name
from ..exceptions import InvalidDeclaration
from .factories import Factory
from .keys import StateKey, kind_of, wrong_keys
from .location import Location
from .registry import Registry, registry_or_default
from .resources import Resource, generator_for
from .signatures import unfit_signature
from .value_types import can_be_opened, is_without_yield, plain_return_type


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
        _check_key(key, location)
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


def _check_key(key: object, location: Location) -> None:
    if key != "" and isinstance(key, str | StateKey):
        return
    given, written = kind_of(key), "some_name"
    if isclass(key) or isfunction(key):  # there are no parentheses
        given = f"the {'class' if isclass(key) else 'function'} {key.__qualname__}"
        written = key.__name__
    raise InvalidDeclaration(
        f"lifespan_resource() takes a name or a StateKey, not {given}",
        location,
        f'Write: @lifespan_resource("{written}")',
    )


def _check_needs(name: str, needs: Any, location: Location) -> None:
    problem, _, fix = wrong_keys("needs", needs).partition("\n")
    if problem:
        raise InvalidDeclaration(f"lifespan resource {name!r} {problem}", location, fix)


def _check_option(name: str, option: str, value: object, location: Location) -> None:
    if option in {"start_timeout", "stop_timeout"}:
        is_valid = value is None or is_seconds(value)
        problem = not_seconds(value)
        fix = f'Write: {option}=5.0, or {option}=float("inf") for no limit.'
    elif option == "optional":
        is_valid = isinstance(value, bool)
        problem = f"is of type {type_name(type(value))}, not True or False"
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
            f"{option}= of lifespan resource {name!r} {problem}",
            location,
            fix,
        )


def _check_factory(resource: Resource[Any]) -> None:
    factory, needs = resource.factory, resource.needs
    name = getattr(factory, "__qualname__", type_name(type(factory)))
    takes = unfit_signature(factory, needs)
    is_method = isfunction(factory) and factory.__code__.co_varnames[:1] == ("self",)
    if takes is not None or is_method:
        passed = ", ".join(repr(need.name) for need in needs) or "nothing"
        problem = f"passes {passed} to a factory that takes {takes}"
        fix = f"Give {name} one parameter for each dependency in needs=, in its order."
        if is_method:
            problem = f"decorates the method {name}, which takes self"
            fix = f"Move it out of its class:{generator_for(resource)}"
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} {problem}", resource.declared_at, fix
        )
    problem, value, returned = "", "...", plain_return_type(factory)
    if isclass(factory):
        if not can_be_opened(factory):
            problem = f"decorates the class {name}, which is not a context manager"
            value = f"{factory.__name__}(...)"
    elif is_without_yield(factory):
        problem = f"decorates the coroutine function {name}, which has no yield"
    elif returned is not None:
        problem = (
            f"decorates the plain function {name}, which returns "
            f"{type_name(returned)}: neither a context manager nor awaitable"
        )
    if problem:
        raise InvalidDeclaration(
            f"lifespan resource {resource.name!r} {problem}",
            resource.declared_at,
            f"Yield the value from a generator:{generator_for(resource, value)}",
        )
