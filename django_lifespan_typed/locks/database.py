"""DatabaseLock: a lock that a database session of its own holds."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import ceil
from typing import Any, ClassVar, Final, NamedTuple, final

from django.db import connections

from .._compat import override
from .._declare.keys import kind_of
from .._declare.location import calling_location
from .._text import quoted, suggestion
from .._threads.worker import Worker
from ..exceptions import InvalidDeclaration, LifespanError
from .protocol import Lock, UntilLost, checked_name, invalid_argument
from .waiting import LEAVE_LIMIT, within


@final
class _Dialect(NamedTuple):
    """The statements of a database; each gives the session's id first."""

    time_limits: tuple[str, ...]
    """The options that limit connecting and queries, in seconds."""
    prepare: str
    """Has the server end the session if this machine disappears."""
    acquire: str
    """Gives also 1 if the lock is acquired, 0 if not, None if it cannot be."""
    check: str
    """Gives the id of this session, or of the one that holds the lock."""
    release: str


_MYSQL_NAME: Final = "SHA2(CONCAT_WS(' ', DATABASE(), {key}), 256)"  # 64 characters

_DIALECTS: Final = {
    "postgresql": _Dialect(
        time_limits=("connect_timeout",),
        prepare="SELECT set_config('tcp_keepalives_idle', '10', false),"
        " set_config('tcp_keepalives_interval', '5', false),"
        " set_config('tcp_keepalives_count', '3', false)",
        # A new session holds no lock yet. If it does, a pooler shares it, and
        # PostgreSQL would grant it the lock a second time.
        acquire="SELECT pg_backend_pid(), CASE WHEN EXISTS (SELECT FROM pg_locks"
        " WHERE locktype = 'advisory' AND pid = pg_backend_pid()) THEN NULL"
        " ELSE pg_try_advisory_lock({key})::int END",
        check="SELECT pg_backend_pid()",
        release="SELECT pg_advisory_unlock({key})",
    ),
    "mysql": _Dialect(
        time_limits=("connect_timeout", "read_timeout", "write_timeout"),
        prepare="SET SESSION wait_timeout = 60",
        acquire=f"SELECT CONNECTION_ID(), GET_LOCK({_MYSQL_NAME}, 0)",
        check=f"SELECT IS_USED_LOCK({_MYSQL_NAME})",
        release=f"SELECT RELEASE_LOCK({_MYSQL_NAME})",
    ),
}


class DatabaseLock(Lock):
    """
    A lock in the database of the project: PostgreSQL, MySQL or MariaDB.

    It is an advisory lock of a session (``pg_try_advisory_lock``, ``GET_LOCK``) on a
    connection of its own, which is open while this process holds the lock or tries
    to. It is not taken from Django's connection pool. The lock belongs to one
    database, and to the server that accepts writes.

    The database releases the lock when the session ends. The holder asks every
    ``interval`` whether it still has it, and waits ``limit`` for the answer. So the
    block may outlive the lock by 10 seconds, and by the time that the event loop is
    blocked. If a machine disappears from the network, the server ends the session
    within 30 seconds (PostgreSQL) or 60 seconds (MySQL, MariaDB).

    PgBouncer must pool sessions, not transactions: a lock would belong to the server
    connection, which others use too. Entering or ``until_lost`` reports that.

    :param using: the alias in ``settings.DATABASES``.
    :param name: the name of the lock; None for the name of the task.

    Raises ``InvalidDeclaration`` for an alias that is not in ``settings.DATABASES``;
    ``hold`` does for a database that has no such locks.
    """

    interval: ClassVar[float] = 5.0
    """Seconds between two checks that the lock is still held."""
    limit: ClassVar[float] = 5.0
    """Seconds to wait for the database."""

    def __init__(self, using: str = "default", *, name: str | None = None) -> None:
        given: Any = using
        if not isinstance(given, str):
            raise invalid_argument(
                f"DatabaseLock takes the alias of a database, not {kind_of(given)}",
                'Write: DatabaseLock(using="default")',
            )
        known = list(connections)
        if given not in known:
            raise invalid_argument(
                f"settings.DATABASES has no {given!r}, which DatabaseLock names",
                f"{suggestion(given, known)}Known: {quoted(known)}.",
            )
        self.using: str = given
        self.name: str | None = checked_name(self, name)
        self._declared_at = calling_location()

    @override
    @asynccontextmanager
    async def hold(
        self, name: str, *needs: Any
    ) -> AsyncGenerator[UntilLost | None, None]:
        session = _Session(self, name)
        worker = Worker(f"lock {name}")
        try:
            acquiring = worker.submit(session.acquire)
            await within(2 * self.limit, acquiring.done)
            is_acquired = acquiring.result()
            if is_acquired:
                yield partial(self._until_lost, session, worker)
        finally:
            closing = worker.submit(session.close)
            worker.finish()
            try:
                with suppress(TimeoutError):
                    await within(LEAVE_LIMIT, closing.done, to_the_end=True)
            finally:
                session.abort()  # nothing is open any more, or it does not answer
        if not is_acquired:
            yield None

    async def _until_lost(self, session: _Session, worker: Worker) -> None:
        is_held = True
        while is_held:
            await asyncio.sleep(self.interval)
            checking = worker.submit(session.is_held)
            try:
                await within(self.limit, checking.done)
            except TimeoutError:
                session.abort()
                raise
            is_held = checking.result()

    def unfit(self, database: str) -> InvalidDeclaration:
        """Return the exception for a database that has no such locks."""
        return InvalidDeclaration(
            f"the database {self.using!r} is {database}, which has no locks that a "
            "session holds",
            self._declared_at,
            "Write FileLock(), for processes on one host, or give DatabaseLock the "
            "alias of a PostgreSQL, MySQL or MariaDB database.",
        )


@final
class _Session:
    """A database session of its own. All but ``abort`` runs in its worker's thread."""

    def __init__(self, lock: DatabaseLock, name: str) -> None:
        self._lock = lock
        digest = hashlib.sha256(f"django_lifespan_typed {name}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "big", signed=True)
        self._connection: Any = None
        self._dialect = _DIALECTS["postgresql"]
        self._id: object = None
        self._socket: socket.socket | None = None

    def acquire(self) -> bool:
        """Connect, and return whether the lock was acquired."""
        own = connections[self._lock.using]
        if own.vendor not in _DIALECTS:
            raise self._lock.unfit(own.display_name)
        self._dialect = _DIALECTS[own.vendor]
        limits = dict.fromkeys(self._dialect.time_limits, ceil(self._lock.limit))
        options = {**limits, **own.settings_dict["OPTIONS"]}
        options.pop("pool", None)
        settings = {**own.settings_dict, "OPTIONS": options, "AUTOCOMMIT": True}
        self._connection = type(own)(settings, self._lock.using)
        self._connection.ensure_connection()
        fileno = getattr(self._connection.connection, "fileno", None)
        if fileno is not None:  # PyMySQL has none, but a time limit for reading
            family = socket.AF_INET  # does not matter to shutdown()
            self._socket = socket.fromfd(fileno(), family, socket.SOCK_STREAM)
        self._ask(self._dialect.prepare)
        session, is_acquired = self._ask(self._dialect.acquire)
        if is_acquired is None:
            raise LifespanError(
                "this database session cannot hold a lock\nConnect to the server "
                "directly, or have PgBouncer pool sessions, not transactions."
            )
        self._id = session if is_acquired else None
        return bool(is_acquired)

    def is_held(self) -> bool:
        """Return whether this session still holds the lock."""
        return bool(self._ask(self._dialect.check)[0] == self._id)

    def close(self) -> None:
        """Release the lock, and close the connection."""
        # It may be broken, which ends the session, too.
        with suppress(Exception):
            if self._id is not None:
                self._ask(self._dialect.release)
        with suppress(Exception):
            if self._connection is not None:
                self._connection.close()
        if self._socket is not None:
            self._socket.close()

    def abort(self) -> None:
        """Have a query that hangs fail. May be called in any thread."""
        if self._socket is not None:
            with suppress(OSError):  # it is closed
                self._socket.shutdown(socket.SHUT_RDWR)

    def _ask(self, statement: str) -> Any:
        # A cursor of the driver: Django's logs each query if DEBUG is true.
        connection = self._connection
        with connection.wrap_database_errors, connection.connection.cursor() as cursor:
            cursor.execute(statement.format(key=self._key))
            return cursor.fetchone()
