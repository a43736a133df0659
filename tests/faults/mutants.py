"""Runtimes that each break one rule: the machine has to notice."""

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


MUTANTS = (
    Mutant(
        "what is needed stops first",
        "_run:Run._stop_if_unneeded",
        'if owner.phase == "running" and all(',
        'if owner.phase == "running" or all(',
        "quiet",
    ),
    Mutant(
        "a stop ends at the first failure",
        "_run:Run.on_finished",
        "if self._stopping:\n",
        "if self._stopping and owner.error is None:\n",
        "stops",
    ),
    Mutant(
        "errors of a stop are lost",
        "_run:Run.stop",
        "if owner.stop_error]",
        "if owner.stop_error][:1]",
        "stops",
    ),
    Mutant(
        "closed in another task",
        "_factories:_AsyncGenerator.__aexit__",
        "return await self._manager.__aexit__(kind, error, traceback)",
        "return await __import__('asyncio').ensure_future("
        "self._manager.__aexit__(kind, error, traceback))",
        "quiet",
    ),
    Mutant(
        "a failed start does not wait for its siblings",
        "_run:Run._until_finished",
        "while self._unfinished:",
        "while self._unfinished and self._is_up:",
        "starts",
    ),
    Mutant(
        "a failure is sent before all is closed",
        "_lifespan:Lifespan.__aenter__",
        "await run.stop()",
        "run.loop.create_task(run.stop())",
        "starts",
    ),
    Mutant(
        "time limits are ignored",
        "_owner:Owner._limit",
        'if seconds != float("inf"):',
        "if not seconds:",
        "stops",
    ),
    Mutant(
        "asgi_shutdown only where asgi_startup went well",
        "_signalled:run_with_signals",
        "for problem in await _stop(lifespan, scope, settings):",
        "for problem in [await lifespan.__aexit__(None, None, None)][1:]:",
        "serving",
    ),
    Mutant(
        "needs are not waited for",
        "_run:Run.on_started",
        "if not self._unmet[name]:",
        'if self.owners[name].phase == "waiting":',
        "quiet",
    ),
    Mutant(
        "a plan starts level by level",
        "_run:Run.on_started",
        "self._begin([self.owners[name]])",
        "self.loop.call_later(1, self._begin, [self.owners[name]])",
        "quiet",
    ),
    Mutant(
        "what is no Exception leaks out",
        "_failures:failed_start",
        "if isinstance(error, Exception):",
        "if isinstance(error, BaseException):",
        "starts",
    ),
    Mutant(
        "a cancelled stop leaves things open",
        "_run:Run._until_finished",
        "cancelled = error",
        "raise",
        "server",
    ),
    Mutant(
        "the stop relies on the server's state",
        "_signalled:_stop",
        "state=lifespan.state,",
        'state={name: scope["state"][name] for name in lifespan.state},',
        "serving",
    ),
    Mutant(
        "requests are served half-started",
        "_host:Host.admit",
        'if record.phase != "running":',
        'if record.phase == "failed":',
        "server",
    ),
    Mutant(
        "a crash is held on against",
        "_owner:Owner._hold",
        "if not await self._everything_ends(error):",
        "if False:",
        "serving",
    ),
    Mutant(
        "values are not checked",
        "_resources:Resource._wrong",
        "if expected is None or fits(value, expected):",
        "if True:",
        "starts",
    ),
    Mutant(
        "an optional failure fails the start",
        "_run:Run.on_finished",
        "wrong is not None and owner.resource.optional and not self._stopping",
        "wrong is None and owner.resource.optional and not self._stopping",
        "optional",
    ),
    Mutant(
        "a second startup is taken for a shutdown",
        "_protocol:_expect",
        "if received == expected:",
        'if received == expected or received == "lifespan.startup":',
        "server",
    ),
)
