"""A line of the package, written in another way."""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import pytest

PACKAGE = "django_lifespan_typed"


@dataclass(frozen=True)
class Mutant:
    """A line of the package that is written in another way."""

    rule: str
    where: str
    """``module:Class.method`` or ``module:function``."""
    written: str
    instead: str
    family: str
    """The family of scenarios that finds it soonest."""

    def __str__(self) -> str:
        return self.rule.replace(" ", "-")

    def apply(self, patch: pytest.MonkeyPatch) -> None:
        """Let the package be like that until *patch* is undone."""
        module_name, _, path = self.where.partition(":")
        module = importlib.import_module(f"{PACKAGE}.{module_name}")
        owner: Any = module
        *outer, name = path.split(".")
        for part in outer:
            owner = getattr(owner, part)
        original = getattr(owner, name)
        mutated = self._rewritten(original, module)
        # A function is in the modules that import it too.
        importing = [
            each for name, each in sys.modules.items() if name.startswith(PACKAGE)
        ]
        for holder in (owner, *importing):
            if vars(holder).get(name) is original:
                patch.setattr(holder, name, mutated)

    def _rewritten(self, original: Any, module: Any) -> Callable[..., Any]:
        function = inspect.unwrap(original)
        assert isinstance(function, FunctionType)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(self.written) == 1, (
            f"{self.where} does not say {self.written!r} (once) any more: "
            "write this mutant anew"
        )
        changed = source.replace(self.written, self.instead)
        future = "from __future__ import annotations\n"
        # The module's own names, and none of them overwritten.
        made: dict[str, Any] = {}
        exec(compile(future + changed, self.where, "exec"), vars(module), made)
        mutated: Callable[..., Any] = made[function.__name__]
        return mutated
