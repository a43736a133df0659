"""``connect_lifespan`` in this process: the in-memory broker, and Celery's signals."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import Celery, signals
from celery.contrib.testing.worker import start_worker, test_worker_stopped
from django.test import override_settings

from django_lifespan_typed import (
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed.celery import connect_lifespan
from django_lifespan_typed.exceptions import LifespanNotRunning, MissingDependency
from tests.sync.conftest import Add, _nothing_is_left, add, portal_threads

__all__ = ["_nothing_is_left", "add"]

DB = StateKey[str]("db")
SIGNALS = (
    signals.worker_init,
    signals.worker_process_init,
    signals.task_prerun,
    signals.worker_process_shutdown,
    signals.worker_shutdown,
    test_worker_stopped,
)


@pytest.fixture(autouse=True)
def _receivers(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """What is connected for one test is not for the next."""
    before = [list(signal.receivers) for signal in SIGNALS]
    monkeypatch.delenv("FORKED_BY_MULTIPROCESSING", raising=False)
    yield
    for signal, receivers in zip(SIGNALS, before, strict=True):
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()


@pytest.fixture
def make_app() -> Generator[Callable[[], Celery]]:
    """Makes apps whose broker is this process's memory."""
    made: list[Any] = []

    def making() -> Celery:
        app: Any = Celery(
            "tests", broker="memory://", backend="cache+memory://", set_as_current=False
        )
        app.conf.update(
            worker_hijack_root_logger=False, broker_connection_retry_on_startup=True
        )
        made.append(app)
        return app

    yield making
    for app in made:
        app.close()


async def loop_here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


class Worker:
    """What Celery sends ``worker_init`` and ``worker_shutdown`` with."""

    def __init__(self, app: Celery, pool: str = "solo") -> None:
        self.app = app
        self.pool_cls = pool


@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_a_worker_with_the_in_memory_broker(
    pool: str,
    make_app: Callable[[], Celery],
    registry: Registry,
    add: Add,
    journal: list[str],
) -> None:
    """Opened once, used in tasks on one loop, closed when the worker ends."""
    add("db")
    app: Any = make_app()
    connect_lifespan(app, registry)
    loops: set[asyncio.AbstractEventLoop] = set()

    @app.task(shared=False)
    def ask() -> str:
        loops.update((async_to_sync(loop_here)(), async_to_sync(loop_here)()))
        return current_state()[DB]

    with start_worker(app, pool=pool, concurrency=2, perform_ping_check=False):
        results = [ask.delay() for _ in range(4)]
        answers = [result.get(timeout=30) for result in results]
        during = list(journal)

    assert answers == ["the db"] * 4
    assert len(loops) == 1
    assert during == ["+db"]
    assert journal == ["+db", "-db"]


def test_it_starts_what_it_is_told_and_no_more(
    make_app: Callable[[], Celery], registry: Registry, add: Add, journal: list[str]
) -> None:
    """``only=``, as for a ``Lifespan``."""
    cache = add("cache", add("db"))
    add("mail")
    app = make_app()
    connect_lifespan(app, registry, only=(cache,))

    signals.worker_init.send(sender=Worker(app))
    signals.worker_shutdown.send(sender=Worker(app))

    assert journal == ["+db", "+cache", "-cache", "-db"]


def test_the_solo_pool_also_says_that_a_process_starts(
    make_app: Callable[[], Celery], registry: Registry, add: Add, journal: list[str]
) -> None:
    """Celery sends both signals there: it is one process, and one start."""
    add("db")
    app = make_app()
    connect_lifespan(app, registry)

    signals.worker_init.send(sender=Worker(app))
    signals.worker_process_init.send(sender=None)
    signals.worker_shutdown.send(sender=Worker(app))
    signals.worker_shutdown.send(sender=Worker(app))

    assert journal == ["+db", "-db"]


def test_a_worker_may_start_again_in_one_process(
    make_app: Callable[[], Celery], registry: Registry, add: Add, journal: list[str]
) -> None:
    """As test suites have it."""
    add("db")
    app = make_app()
    connect_lifespan(app, registry)

    for _ in range(2):
        signals.worker_init.send(sender=Worker(app))
        signals.worker_shutdown.send(sender=Worker(app))

    assert journal == ["+db", "-db"] * 2


def test_connecting_twice_is_connecting_once(
    make_app: Callable[[], Celery], registry: Registry, add: Add, journal: list[str]
) -> None:
    """A ``celery.py`` that is imported under two names opens nothing twice."""
    add("db")
    app = make_app()

    connect_lifespan(app, registry)
    connect_lifespan(app, registry)
    signals.worker_init.send(sender=Worker(app))
    signals.worker_shutdown.send(sender=Worker(app))

    assert journal == ["+db", "-db"]


def test_the_worker_of_another_app_starts_nothing(
    make_app: Callable[[], Celery], registry: Registry, add: Add, journal: list[str]
) -> None:
    """Celery's signals are those of the process, the lifespan is one app's."""
    add("db")
    connect_lifespan(make_app(), registry)
    other = make_app()

    signals.worker_init.send(sender=Worker(other))
    signals.worker_process_init.send(sender=None)
    signals.worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
    signals.worker_shutdown.send(sender=Worker(other))

    assert journal == []


@pytest.mark.parametrize("pool", ["prefork", "processes"])
def test_the_parent_of_the_prefork_pool_starts_nothing(
    pool: str,
    make_app: Callable[[], Celery],
    registry: Registry,
    add: Add,
    journal: list[str],
) -> None:
    """No resource, and no thread, which a fork would not have."""
    add("db")
    app = make_app()
    connect_lifespan(app, registry)

    signals.worker_init.send(sender=Worker(app, pool))
    threads = portal_threads()
    signals.worker_shutdown.send(sender=Worker(app, pool))

    assert threads == []
    assert journal == []


def test_a_child_of_the_prefork_pool_is_given_time_to_start(
    make_app: Callable[[], Celery], registry: Registry
) -> None:
    """Celery would end it after 4 s; resources may take as long as their limits."""

    @lifespan_resource("model", registry=registry, start_timeout=300)
    async def model() -> AsyncGenerator[int]:
        yield 1

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[int]:
        yield 1

    app: Any = make_app()
    connect_lifespan(app, registry)

    with override_settings(LIFESPAN={"START_TIMEOUT": 60}):
        signals.worker_init.send(sender=Worker(app, "prefork"))

    assert app.conf.worker_proc_alive_timeout == 4 + 300 + 60


def test_without_a_limit_it_is_given_a_day(
    make_app: Callable[[], Celery], registry: Registry, add: Add
) -> None:
    """Celery's timers take no infinity."""
    add("db")
    app: Any = make_app()
    connect_lifespan(app, registry)

    with override_settings(LIFESPAN={"START_TIMEOUT": float("inf")}):
        signals.worker_init.send(sender=Worker(app, "prefork"))

    assert app.conf.worker_proc_alive_timeout == 24 * 60 * 60


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_a_plan_that_cannot_work_ends_the_worker_at_once(
    pool: str,
    make_app: Callable[[], Celery],
    registry: Registry,
    add: Add,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the prefork pool too, where each child would fail on it again and again."""
    add("repository", DB)
    app = make_app()
    connect_lifespan(app, registry)

    with pytest.raises(SystemExit) as caught:
        signals.worker_init.send(sender=Worker(app, pool))

    assert caught.value.code == 1
    assert isinstance(caught.value.__cause__, MissingDependency)
    (record,) = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert record.getMessage() == "the Celery worker does not start"
    assert record.exc_info is not None
    assert record.exc_info[1] is caught.value.__cause__


def test_a_task_that_runs_eagerly_is_the_callers(
    make_app: Callable[[], Celery], registry: Registry, add: Add
) -> None:
    """Where no worker runs, it finds the caller's lifespan, or none."""
    add("db")
    app: Any = make_app()
    app.conf.task_always_eager = True
    connect_lifespan(app, registry)

    @app.task(shared=False)
    def ask() -> str:
        return current_state()[DB]

    with pytest.raises(LifespanNotRunning):
        ask.delay().get()


def test_a_worker_inside_of_a_billiard_child_starts_once(
    make_app: Callable[[], Celery],
    registry: Registry,
    add: Add,
    journal: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its environment is that of a prefork child, and its pool is not prefork."""
    add("db")
    app = make_app()
    connect_lifespan(app, registry)
    monkeypatch.setenv("FORKED_BY_MULTIPROCESSING", "1")

    signals.worker_init.send(sender=Worker(app))
    signals.worker_process_init.send(sender=None)
    started = list(journal)
    signals.worker_shutdown.send(sender=Worker(app))

    assert started == ["+db"]
    assert journal == ["+db", "-db"]


def test_the_test_worker_of_another_app_closes_nothing(
    make_app: Callable[[], Celery], registry: Registry, add: Add, journal: list[str]
) -> None:
    """Two in one test: each closes its own."""
    add("db")
    app = make_app()
    connect_lifespan(app, registry)

    signals.worker_init.send(sender=Worker(app))
    test_worker_stopped.send(sender=make_app(), worker=None)
    left = list(journal)
    test_worker_stopped.send(sender=app, worker=None)

    assert left == ["+db"]
    assert journal == ["+db", "-db"]
