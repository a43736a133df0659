"""A resource that notes what is done with it, and where."""

from __future__ import annotations

import asyncio
from typing import Any, Final, final

from typing_extensions import Self


@final
class Probe:
    """
    A context manager, for every library alike.

    It is no generator, which Python would close when it collects it: what nobody
    closes is seen to be open. It waits a step of the event loop while it is opened.
    """

    def __init__(
        self,
        name: str,
        journal: list[str],
        *,
        opens: bool = True,
        closes: bool = True,
    ) -> None:
        self.name: Final = name
        self.opened_in: asyncio.Task[Any] | None = None
        self.closed_in: asyncio.Task[Any] | None = None
        self._journal = journal
        self._opens = opens
        self._closes = closes

    async def __aenter__(self) -> Self:
        self._journal.append(f"{self.name} begins")
        await asyncio.sleep(0)
        if not self._opens:
            raise ConnectionError(self.name)
        self.opened_in = asyncio.current_task()
        self._journal.append(f"+{self.name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed_in = asyncio.current_task()
        self._journal.append(f"-{self.name}")
        if not self._closes:
            raise ConnectionResetError(self.name)

    async def close(self) -> None:
        """The same, for what calls a function."""
        await self.__aexit__()
