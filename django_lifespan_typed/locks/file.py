"""FileLock: a lock for the processes of one host."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.utils.text import slugify

from .._compat import override
from .._declare.keys import kind_of
from .protocol import Lock, UntilLost, checked_name, invalid_argument


class FileLock(Lock):
    """
    A lock on a local file, by the package ``filelock``.

    It works between processes that see the same file: containers, and services with
    ``PrivateTmp=`` of systemd, have temporary directories of their own. The operating
    system releases the lock when the process ends. A child process that was forked,
    not spawned, while the lock was held keeps it until it ends, too.

    If the file is deleted, another process can lock a new one. The holder looks every
    ``interval``, so the block may outlive the lock by 5 seconds, and by the time that
    the event loop is blocked.

    :param path: the file. Locks with the same path exclude each other, whatever their
        names are. None for a file in the temporary directory, named after the user,
        the project (``BASE_DIR``, or the settings module) and the lock.
    :param name: the name of the lock; None for the name of the task.

    Raises ``InvalidDeclaration`` for a path of the wrong type, and if ``filelock`` is
    not installed.
    """

    interval: ClassVar[float] = 5.0
    """Seconds between two checks that the file was not deleted."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, name: str | None = None
    ) -> None:
        given: Any = path
        if given is not None and not (given and isinstance(given, str | os.PathLike)):
            raise invalid_argument(
                f"FileLock takes the path of a file, not {kind_of(given)}",
                'Write: FileLock("/run/mysite/price_feed.lock"), or FileLock()',
            )
        if find_spec("filelock") is None:
            raise invalid_argument(
                "FileLock requires the package filelock, which is not installed",
                'Run: pip install "django-lifespan-typed[locks]"',
            )
        self.path: Path | None = None if path is None else Path(path)
        # Two locks on one file have one name, whatever name= says.
        self.name: str | None = (
            checked_name(self, name) if path is None else str(Path(path))
        )

    @override
    @asynccontextmanager
    async def hold(
        self, name: str, *needs: Any
    ) -> AsyncGenerator[UntilLost | None, None]:
        # On the event loop: these calls never wait, and cannot be cancelled halfway.
        from filelock import FileLock as SystemLock, Timeout

        path = self.path or _default_path(name)
        lock: Any = SystemLock(path, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield None
            return
        try:
            yield partial(self._until_lost, path, _identity(path))
        finally:
            lock.release()

    async def _until_lost(self, path: Path, locked: object) -> None:
        while locked and _identity(path) == locked:  # noqa: ASYNC110
            await asyncio.sleep(self.interval)


def _default_path(name: str) -> Path:
    user = getattr(os, "getuid", str)()  # the directory is the user's own on Windows
    project = getattr(settings, "BASE_DIR", None) or settings.SETTINGS_MODULE
    digest = hashlib.sha256(f"{user} {project} {name}".encode()).hexdigest()
    file = f"lifespan-{user}-{slugify(name)[:40]}-{digest[:16]}.lock"
    return Path(tempfile.gettempdir(), file)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file the path is now; None if it was deleted."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
