"""A thread with an event loop, as in servers with several loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar, final

import pytest

T = TypeVar("T")


@final
class LoopThread:
    """Runs an event loop until ``end()``."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on the loop; returns or raises its outcome."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def end(self) -> None:
        """Stop and close the loop."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def threads() -> Generator[list[LoopThread]]:
    """Two threads with an event loop, which end with the test."""
    threads = [LoopThread(), LoopThread()]
    yield threads
    for thread in threads:
        thread.end()
