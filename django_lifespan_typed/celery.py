"""connect_lifespan: a lifespan in each Celery worker process."""

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
from ._log import ensure_visible, exc_info, logger
from ._runtime.lifespan import Lifespan
from ._settings import LifespanSettings
from ._threads.asgiref import use_loop
from ._threads.at_exit import at_exit

__all__ = ["connect_lifespan"]

# Seconds; Celery's timers do not accept infinity.
_LONGEST_START: Final = 86400.0


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
    never in their parent, and in the worker itself with the threads and solo pools.
    They shut down after the last task of that process. A task reads them by
    ``current_state()[KEY]``, and its ``async_to_sync`` runs on their event loop. A
    process that only sends tasks starts nothing.

    A worker process whose resources fail to start logs the error and ends with exit
    code 1. A second call for the same app does nothing.

    :param app: the Celery application.
    :param registry: the ``Registry`` to start; None for the default one.
    :param only: the keys to start with their dependencies, and no manager; None for
        everything.

    Raises ``InvalidDeclaration`` if *registry* or *only* is of the wrong type.
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
    """Starts and shuts down the lifespan of this process if it is a worker of *app*."""

    def __init__(
        self,
        app: Celery,
        registry: Registry | None,
        only: Iterable[StateKey[Any]] | None,
    ) -> None:
        self._app = app
        self._registry = registry_or_default(registry)
        self._only = None if only is None else keys_only(only)
        self.uid = f"{__name__} {id(app)}"  # the receivers keep the app alive
        self._is_prefork = False
        self._lifespan: Lifespan | None = None

    def on_worker_init(self, *, sender: Any, **_: object) -> None:
        """Called before a worker creates its pool."""
        if sender.app is not self._app:
            return
        pool = sender.pool_cls
        pool = get_implementation(pool) if isinstance(pool, str) else pool
        # Imported late: a process that only sends tasks does not need billiard.
        from celery.concurrency.prefork import TaskPool as Prefork

        self._is_prefork = issubclass(pool, Prefork)
        if self._is_prefork:
            self._extend_start_limit()
        else:
            self._connect_to_test_worker()
            self._start()

    def on_process_init(self, **_: object) -> None:
        """Called in each child of the prefork pool, and by the solo pool."""
        # A spawned child has not seen worker_init.
        if self._is_prefork or os.environ.get("FORKED_BY_MULTIPROCESSING"):
            self._start()

    def on_task(self, *, sender: Any, **_: object) -> None:
        """Called in the thread that is about to run a task."""
        if self._lifespan is not None and sender.app is self._app:
            use_loop(self._lifespan.loop)

    def on_process_shutdown(self, **_: object) -> None:
        """Called in each child of the prefork pool, which does not run atexit."""
        self._stop()

    def on_worker_shutdown(self, *, sender: Any, **_: object) -> None:
        """Called after the last task, in all pools."""
        if sender.app is self._app:
            self._stop()

    def on_test_worker_stopped(self, *, sender: Any, **_: object) -> None:
        """Called instead of the other shutdown signals for a worker inside a test."""
        if sender is self._app:
            self._stop()

    def _connect_to_test_worker(self) -> None:
        testing: Any = sys.modules.get("celery.contrib.testing.worker")
        if testing is not None:
            testing.test_worker_stopped.connect(
                self.on_test_worker_stopped, weak=False, dispatch_uid=self.uid
            )

    def _start(self) -> None:
        if self._lifespan is not None:
            return
        lifespan = Lifespan(self._registry, only=self._only)
        try:
            lifespan.__enter__()
        except Exception as error:
            _end_process(error)
        self._lifespan = lifespan
        # A cold shutdown of the threads and solo pools sends no signal.
        at_exit.add(self._stop)

    def _stop(self) -> None:
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            at_exit.discard(self._stop)
            lifespan.__exit__(None, None, None)

    def _extend_start_limit(self) -> None:
        # Celery kills a child that is not ready after worker_proc_alive_timeout, 4 s.
        try:
            default = LifespanSettings.read().START_TIMEOUT
            plan = Plan(self._registry, self._only)
        except Exception as error:
            _end_process(error)  # otherwise Celery would replace its children forever
        managers = self._registry.managers if self._only is None else ()
        limits = [resource.start_timeout for resource in (*plan.order, *managers)]
        seconds = sum(default if limit is None else limit for limit in limits)
        conf = self._app.conf
        conf.worker_proc_alive_timeout = min(
            conf.worker_proc_alive_timeout + seconds, _LONGEST_START
        )


def _end_process(error: Exception) -> NoReturn:
    ensure_visible()
    logger.critical("the Celery worker does not start", exc_info=exc_info(error))
    # Celery logs an Exception from a receiver and continues without the resources.
    raise SystemExit(1) from error
