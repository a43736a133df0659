"""LifespanTask: a resource that runs a function in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeAlias, final

from .._declare.keys import StateKey
from .._declare.location import Location
from .._declare.resources import Resource
from .._text import seconds_text
from .record import TaskRecord
from .supervisor import Supervisor

if TYPE_CHECKING:
    from ..locks import Lock

P = ParamSpec("P")

Restart: TypeAlias = Literal["on_failure", "always", "never"]


@final
class LifespanTask(Resource[TaskRecord], Generic[P]):
    """
    A background task: a resource whose value is the task's ``TaskRecord``.

    ``@lifespan_task`` returns it. It can be used wherever a key can.
    """

    __slots__ = (
        "backoff",
        "every",
        "exclusive",
        "function",
        "function_needs",
        "restart",
    )

    function: Callable[P, Awaitable[object]]
    """The decorated function."""
    function_needs: tuple[StateKey[Any], ...]
    """The dependencies of the function; ``needs`` has those of the lock, too."""
    restart: Restart
    """When it runs again after it has ended."""
    backoff: tuple[float, float]
    """The first and the longest wait before a restart, in seconds."""
    every: float | None
    """Seconds from the beginning of a run to that of the next."""
    exclusive: Lock | None
    """The lock that it holds while it runs."""

    def __init__(
        self,
        name: str,
        function: Callable[P, Awaitable[object]],
        /,
        *,
        location: Location,
        needs: tuple[StateKey[Any], ...] = (),
        stop_timeout: float | None = None,
        optional: bool = False,
        restart: Restart = "on_failure",
        backoff: tuple[float, float] = (1.0, 60.0),
        every: float | None = None,
        exclusive: Lock | None = None,
    ) -> None:
        super().__init__(
            name,
            self._supervised,
            location=location,
            needs=(*needs, *(exclusive.needs if exclusive else ())),
            stop_timeout=stop_timeout,
            optional=optional,
        )
        self.function = function
        self.function_needs = needs
        self.restart = restart
        self.backoff = backoff
        self.every = every
        self.exclusive = exclusive

    async def run(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Run the function once, without a lifespan, a lock or a restart, for tests::

            await price_feed.run(fake_client)
        """
        await self.function(*args, **kwargs)

    @property
    def lock_name(self) -> str:
        """The name of its lock: that of the lock itself, or of the task."""
        own = None if self.exclusive is None else self.exclusive.name
        return own or self.name

    @property
    def schedule(self) -> str:
        """When and where it runs: ``every 60 s``, ``restart on failure, FileLock``."""
        when = f"restart {self.restart.replace('_', ' ')}"
        if self.every is not None:
            when = f"every {seconds_text(self.every)}"
        lock = "" if self.exclusive is None else f", {type(self.exclusive).__name__}"
        return when + lock

    def restarts_after(self, error: BaseException | None) -> bool:
        """Return whether it runs again after a run that raised *error*, or None."""
        if self.restart == "on_failure":
            return error is not None
        return self.restart == "always"

    def standby(self) -> AbstractAsyncContextManager[TaskRecord]:
        """Return a context manager of a record, which does not run the function."""
        return nullcontext(TaskRecord())

    @asynccontextmanager
    async def _supervised(self, *values: Any) -> AsyncGenerator[TaskRecord]:
        supervisor = Supervisor(self, values)
        user = asyncio.current_task()
        task = supervisor.start()

        def on_end(_: object) -> None:
            # As a task group does: interrupt the block.
            if supervisor.crash is not None and user is not None:
                user.cancel()

        task.add_done_callback(on_end)
        try:
            yield supervisor.record
        finally:
            task.remove_done_callback(on_end)
            await supervisor.stop()
            if supervisor.crash is not None:
                context = supervisor.crash.__context__
                try:
                    raise supervisor.crash
                finally:  # not the cancellation
                    supervisor.crash.__context__ = context
