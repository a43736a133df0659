"""Signatures: whether a function can be called with given arguments."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

_OPTIONS: Final[dict[str, Any]] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Annotations may name what is imported under TYPE_CHECKING (PEP 649).
    _OPTIONS["annotation_format"] = Format.FORWARDREF


def unfit_signature(
    function: Callable[..., object], arguments: Sequence[object]
) -> inspect.Signature | None:
    """
    Return the parameters of *function* if it cannot be called with *arguments*.

    Returns None if it can, or if its signature is unknown.
    """
    unfit: inspect.Signature | None = None
    # A decorator may pass other arguments to the function than it takes itself.
    for follow in (True, False) if _is_decorated(function) else (True,):
        try:
            signature = inspect.signature(function, follow_wrapped=follow, **_OPTIONS)
        except (TypeError, ValueError):
            return None  # some callables written in C
        try:
            signature.bind(*arguments)
        except TypeError:
            unfit = unfit or signature.replace(return_annotation=signature.empty)
        else:
            return None
    return unfit


def _is_decorated(function: object) -> bool:
    # The decorators of contextlib pass their arguments on unchanged.
    names: Any = getattr(function, "__globals__", {})
    return hasattr(function, "__wrapped__") and names.get("__name__") != "contextlib"
