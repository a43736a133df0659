"""The package's one fork hook: a child process forgets what belongs to its parent."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, TypeVar

Reset = TypeVar("Reset", bound=Callable[[], object])

_resets: Final[list[Callable[[], object]]] = []


def after_fork(reset: Reset) -> Reset:
    """Call *reset* in each forked child; returns *reset*, so it is a decorator."""
    _resets.append(reset)
    return reset


def _reset_all() -> None:
    for reset in _resets:
        reset()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_reset_all)
