"""What is said of a resource, held to what can work."""

from __future__ import annotations

from typing import Any, TypedDict

from .._text import suggestion
from ..exceptions import InvalidDeclaration
from .factories import Factory
from .keys import StateKey
from .location import Location
from .registry import Registry, default_registry
from .resources import Resource
from .signatures import mismatch


class Options(TypedDict, total=False):
    """What every overload of ``lifespan_resource`` takes."""

    registry: Registry | None
    start_timeout: float | None
    stop_timeout: float | None
    optional: bool


class Declaration:
    """
    All that is said of a resource but its factory.

    Raises ``InvalidDeclaration`` for arguments that cannot work.
    """

    def __init__(
        self,
        key: str | StateKey[Any],
        needs: tuple[StateKey[Any], ...],
        options: Options,
        location: Location,
    ) -> None:
        if not _is_key(key):
            raise InvalidDeclaration(
                f"lifespan_resource() takes a name or a StateKey, not {key!r}",
                location,
                'Write: @lifespan_resource("some_name")',
            )
        self.key = key
        self.needs = needs
        self.options = options
        self.location = location
        _check_needs(self.name, needs, location)
        for option, value in options.items():
            _check_option(self.name, option, value, location)

    @property
    def name(self) -> str:
        """The resource's."""
        return self.key if isinstance(self.key, str) else self.key.name

    def register(self, factory: Factory) -> Resource[Any]:
        """The resource that *factory* makes; raises ``DuplicateName``, too."""
        options = self.options
        resource = Resource[Any](
            self.name,
            factory,
            location=self.location,
            key=None if isinstance(self.key, str) else self.key,
            needs=self.needs,
            start_timeout=options.get("start_timeout"),
            stop_timeout=options.get("stop_timeout"),
            optional=options.get("optional", False),
        )
        _check_parameters(resource)
        registry = options.get("registry")
        # Not ``or``: an empty registry is false.
        (default_registry if registry is None else registry).add(resource)
        return resource


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey) or (isinstance(given, str) and given != "")


def _check_option(name: str, option: str, value: object, location: Location) -> None:
    if option in {"start_timeout", "stop_timeout"}:
        _check_limit(name, option, value, location)
    elif option == "optional":
        if not isinstance(value, bool):
            raise InvalidDeclaration(
                f"lifespan resource {name!r} has optional={value!r}, "
                "which is neither True nor False",
                location,
                "Write: optional=True, or leave it out.",
            )
    elif option == "registry":
        if not (value is None or isinstance(value, Registry)):
            raise InvalidDeclaration(
                f"lifespan resource {name!r} has registry={value!r}, "
                "which is not a Registry",
                location,
                "Write: registry=Registry(), or leave it out for the default one.",
            )
    else:
        known = ("needs", *Options.__annotations__)
        raise InvalidDeclaration(
            f"lifespan_resource() has no option {option!r}",
            location,
            f"{suggestion(option, known)}Known: {', '.join(known)}.",
        )


def _check_needs(name: str, needs: Any, location: Location) -> None:
    listed: list[Any] = [*needs] if isinstance(needs, tuple) else [None]
    if all(isinstance(need, StateKey) for need in listed):
        return
    raise InvalidDeclaration(
        f"lifespan resource {name!r} has needs={needs!r}, "
        "which is not a tuple of keys or resources",
        location,
        "Write: needs=(HTTP,) with the comma, and the keys, not their names.",
    )


def _check_limit(name: str, option: str, value: object, location: Location) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise InvalidDeclaration(
            f"lifespan resource {name!r} has {option}={value!r}, "
            "which is not a number of seconds above 0",
            location,
            f'Write: {option}=5.0, or {option}=float("inf") for no limit.',
        )


def _check_parameters(resource: Resource[Any]) -> None:
    wrong = mismatch(resource.factory, resource.needs)
    if wrong is None:
        return
    signature, error = wrong
    given = ", ".join(repr(need.name) for need in resource.needs) or "nothing"
    raise InvalidDeclaration(
        f"lifespan resource {resource.name!r} passes {given} to a factory "
        f"that takes {signature.replace(return_annotation=signature.empty)}"
        f" ({error})",
        resource.declared_at,
        "Write one need in needs= for each parameter of the factory, in its order.",
    )
