"""Code to write, for messages: a generator with the names of the user's factory."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isclass, isfunction
from typing import Any, get_args, get_origin

from .keys import StateKey
from .location import Location
from .value_types import described, is_generator


def example(
    name: str,
    location: Location,
    factory: Any,
    *,
    needs: Sequence[StateKey[Any]] = (),
    value_type: object = None,
    value: str = "...",
    closing: str = "",
) -> str:
    """
    Return the code of a generator that yields *value*, and then evaluates *closing*.

    It has the decorator and the names that stand at *location*.
    """
    decorator = location.text
    if not (decorator.startswith("@") and decorator.endswith(")")):
        decorator = f"@lifespan_resource({_quoted(name)}{', needs=...' * bool(needs)})"
    function = getattr(factory, "__name__", "")
    if isclass(factory) or not function.isidentifier():
        function = name if name.isidentifier() else "factory"
    parameters = [need.name if need.name.isidentifier() else "_" for need in needs]
    if isfunction(factory):
        code = factory.__code__
        parameters = [*code.co_varnames[: code.co_argcount]]
        parameters = [each for each in parameters if each not in {"self", "cls"}]
    head = (
        f"\n    {decorator}\n    async def {function}({', '.join(parameters)}) -> "
        f"AsyncGenerator[{_type_text(value_type)}]:\n        "
    )
    if not closing:
        return f"{head}yield {value}"
    return (
        f"{head}value = {value}\n        try:\n            yield value\n"
        f"        finally:\n            {closing}"
    )


def _quoted(name: str) -> str:
    is_plain = name.isprintable() and not {'"', "\\"} & {*name}
    return f'"{name}"' if is_plain else repr(name)


def _type_text(value_type: object) -> str:
    if is_generator(value_type):
        value_type = next(iter(get_args(value_type)), None)
    if value_type is None:
        return "SomeType"
    if isclass(value_type) and get_origin(value_type) is None:
        return value_type.__qualname__
    return described(value_type)
