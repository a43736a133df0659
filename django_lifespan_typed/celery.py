"""Celery workers that have a lifespan."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, Final, NoReturn, final

from celery import Celery, signals
from celery.concurrency import get_implementation

from ._declare.keys import StateKey
from ._declare.plan import Plan, keys_only
from ._declare.registry import Registry, registry_or_default
from ._log import logger
from ._runtime.lifespan import Lifespan
from ._settings import LifespanSettings
from ._threads.asgiref import use_loop
from ._threads.at_exit import at_exit

__all__ = ["connect_lifespan"]


# Celery's timers take no infinity.
_A_DAY: Final = 86400.0


def connect_lifespan(
    app: Celery,
    /,
    registry: Registry | None = None,
    *,
    only: Iterable[StateKey[Any]] | None = None,
) -> None:
    """
    Give every worker of *app* a lifespan, in the project's ``celery.py``::

        app = Celery("shop")
        connect_lifespan(app)

    Resources start once in each worker process: in the children of the prefork pool,
    never in their parent; beside the tasks in the threads and solo pools. They stop
    when that process has done its last task. A task finds them by
    ``current_state()[KEY]``, and its ``async_to_sync`` runs on their loop. A process
    that only sends tasks starts nothing.

    *registry* is the default one unless told otherwise; *only* starts those keys and
    what they need. A worker process whose resources do not start logs why and ends,
    with exit code 1. Called again for the same app, it does nothing.
    """
    worker = _Worker(app, registry, only)
    for signal, receiver in (
        (signals.worker_init, worker.on_worker_init),
        (signals.worker_process_init, worker.on_process_init),
        (signals.task_prerun, worker.on_task),
        (signals.worker_process_shutdown, worker.on_process_shutdown),
        (signals.worker_shutdown, worker.on_worker_shutdown),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=worker.uid)


@final
class _Worker:
    """The lifespan of the worker process that this is, if it is one."""

    def __init__(
        self,
        app: Celery,
        registry: Registry | None,
        only: Iterable[StateKey[Any]] | None,
    ) -> None:
        self._app = app
        self._registry = registry_or_default(registry)
        self._only = None if only is None else keys_only(only)
        self.uid = f"{__name__} {id(app)}"  # the receivers keep the app, and so its id
        self._is_prefork = False
        self._lifespan: Lifespan | None = None
        self._pid: int | None = None

    # --- Celery's signals

    def on_worker_init(self, *, sender: Any, **_: object) -> None:
        """Before a worker has a pool: it is the process of all pools but prefork."""
        if sender.app is not self._app:
            return
        pool = sender.pool_cls
        pool = get_implementation(pool) if isinstance(pool, str) else pool
        # Here, because it brings much that a process that only sends tasks never uses.
        from celery.concurrency.prefork import TaskPool as Prefork

        self._is_prefork = issubclass(pool, Prefork)
        if self._is_prefork:
            self._leave_time_to_start()
        else:
            self._connect_to_tests()
            self._start()

    def on_process_init(self, **_: object) -> None:
        """In each child of the prefork pool. The solo pool says so too."""
        # A child that was spawned, not forked, knows nothing of its parent.
        if self._is_prefork or os.environ.get("FORKED_BY_MULTIPROCESSING"):
            self._start()

    def on_task(self, *, sender: Any, **_: object) -> None:
        """In the thread that is about to run a task."""
        if self._lifespan is not None and sender.app is self._app:
            use_loop(self._lifespan.loop)

    def on_process_shutdown(self, **_: object) -> None:
        """In each child of the prefork pool, which runs no atexit."""
        self._stop()

    def on_worker_shutdown(self, *, sender: Any, **_: object) -> None:
        """After the last task; in all pools, so in prefork's parent too."""
        if sender.app is self._app:
            self._stop()

    def on_test_worker_stopped(self, *, sender: Any, **_: object) -> None:
        """After a worker inside of a test, which sends no other signal."""
        if sender is self._app:
            self._stop()

    # ---

    def _connect_to_tests(self) -> None:
        testing: Any = sys.modules.get("celery.contrib.testing.worker")
        if testing is not None:
            testing.test_worker_stopped.connect(
                self.on_test_worker_stopped, weak=False, dispatch_uid=self.uid
            )

    def _start(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        lifespan = Lifespan(self._registry, only=self._only)
        try:
            lifespan.__enter__()
        except Exception as error:  # it ends the process
            self._give_up(error)
        self._lifespan = lifespan
        # A cold shutdown of the threads and solo pools sends no signal.
        at_exit.add(self._stop)

    def _stop(self) -> None:
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None and self._pid == os.getpid():
            self._pid = None
            at_exit.discard(self._stop)
            lifespan.__exit__(None, None, None)

    def _leave_time_to_start(self) -> None:
        # Celery ends a child that is not up after worker_proc_alive_timeout, 4 s.
        try:
            default = LifespanSettings.read().START_TIMEOUT
            plan = Plan(self._registry, self._only)
        except Exception as error:  # it ends the process
            self._give_up(error)  # once, and not in each child again and again
        managers = self._registry.managers if self._only is None else ()
        limits = [resource.start_timeout for resource in (*plan.order, *managers)]
        seconds = sum(default if limit is None else limit for limit in limits)
        conf = self._app.conf
        conf.worker_proc_alive_timeout = min(
            conf.worker_proc_alive_timeout + seconds, _A_DAY
        )

    def _give_up(self, error: Exception) -> NoReturn:
        logger.critical("the Celery worker does not start", exc_info=error)
        # Celery logs an Exception, and goes on without what the tasks need.
        raise SystemExit(1) from error
