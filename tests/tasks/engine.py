"""A lock for the tests, whose engine is a dictionary in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, final

from typing_extensions import override

from django_lifespan_typed import StateKey
from django_lifespan_typed.locks import Lock, UntilLost


@final
class Engine:
    """The store of the locks of several processes."""

    def __init__(self) -> None:
        self.holders: dict[str, asyncio.Event] = {}
        """The names of the locks that are held; each event ends the lock."""
        self.attempts: list[float] = []
        """When a lock was asked for, by the time of the event loop."""
        self.given: list[tuple[Any, ...]] = []
        """The values of the dependencies of each attempt."""
        self.failures: dict[str, BaseException] = {}
        """Exceptions for ``acquire``, ``hold`` and ``release``."""
        self.seconds: dict[str, float] = {}
        """How long it takes to ``acquire`` and to ``release``."""
        self.open = 0
        """The number of connections that are open."""

    def lock(
        self, name: str | None = None, needs: tuple[StateKey[Any], ...] = ()
    ) -> EngineLock:
        """Return a lock of this engine."""
        return EngineLock(self, name, needs)

    def lose(self, name: str, error: BaseException | None = None) -> None:
        """Take the lock from its holder, who notices by *error* if there is one."""
        if error is not None:
            self.failures["hold"] = error
        self.holders.pop(name).set()

    async def step(self, name: str) -> None:
        """Take the time of a step, then fail if it does."""
        if name in self.seconds:
            await asyncio.sleep(self.seconds[name])
        if name in self.failures:
            raise self.failures[name]


@final
class EngineLock(Lock):
    def __init__(
        self, engine: Engine, name: str | None, needs: tuple[StateKey[Any], ...]
    ) -> None:
        self.engine = engine
        self.name = name
        self.needs = needs

    @override
    @asynccontextmanager
    async def hold(self, name: str, *needs: Any) -> AsyncGenerator[UntilLost | None]:
        engine = self.engine
        engine.attempts.append(asyncio.get_running_loop().time())
        engine.given.append(needs)
        engine.open += 1
        try:
            await engine.step("acquire")
            if name in engine.holders:
                yield None
                return
            lost = engine.holders[name] = asyncio.Event()

            async def until_lost() -> None:
                await lost.wait()
                await engine.step("hold")

            try:
                yield until_lost
            finally:
                try:
                    await engine.step("release")
                finally:
                    # A lost lock may be another holder's by now.
                    if engine.holders.get(name) is lost:
                        del engine.holders[name]
        finally:
            engine.open -= 1
