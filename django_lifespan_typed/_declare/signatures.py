"""What the functions of users can be called with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

_LAZILY: Final[dict[str, Any]] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Annotations may name what only a type checker imports (PEP 649).
    _LAZILY["annotation_format"] = Format.FORWARDREF


def mismatch(
    function: Callable[..., object], given: Sequence[object]
) -> tuple[inspect.Signature, TypeError] | None:
    """Its signature, and why it cannot be called with *given*; None if it can."""
    wrong: tuple[inspect.Signature, TypeError] | None = None
    # A decorator may pass on other arguments than it takes.
    for follow in (True, False) if _is_decorated(function) else (True,):
        try:
            signature = inspect.signature(function, follow_wrapped=follow, **_LAZILY)
        except (TypeError, ValueError):
            return None  # some callables written in C have none
        try:
            signature.bind(*given)
        except TypeError as error:
            wrong = wrong or (signature, error)
        else:
            return None
    return wrong


def _is_decorated(function: object) -> bool:
    # The helpers of contextlib pass on what they take.
    named: Any = getattr(function, "__globals__", {})
    return hasattr(function, "__wrapped__") and named.get("__name__") != "contextlib"
