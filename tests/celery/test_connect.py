"""connect_lifespan in this process, with the in-memory broker or Celery's signals."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from celery import Celery, signals
from celery.contrib.testing.worker import test_worker_stopped
from django.test import override_settings

from django_lifespan_typed import Registry, StateKey, current_state, lifespan_resource
from django_lifespan_typed.celery import connect_lifespan
from django_lifespan_typed.exceptions import LifespanNotRunning, MissingDependency
from tests.journaling import Add

pytestmark = pytest.mark.usefixtures("nothing_is_left")

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
def _restored_receivers(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    before = [list(signal.receivers) for signal in SIGNALS]
    monkeypatch.delenv("FORKED_BY_MULTIPROCESSING", raising=False)
    yield
    for signal, receivers in zip(SIGNALS, before, strict=True):
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()


def make_app() -> Any:
    """Create an app whose broker is the memory of this process."""
    app: Any = Celery(
        "tests", broker="memory://", backend="cache+memory://", set_as_current=False
    )
    app.conf.update(
        worker_hijack_root_logger=False, broker_connection_retry_on_startup=True
    )
    return app


@pytest.fixture
def app(registry: Registry) -> Generator[Any]:
    """An app that is connected to the registry of the test, twice."""
    with make_app() as app:
        connect_lifespan(app, registry)
        connect_lifespan(app, registry)
        yield app


class Worker:
    """The sender of worker_init and worker_shutdown."""

    def __init__(self, app: Celery, pool: str = "solo") -> None:
        self.app = app
        self.pool_cls = pool


def test_only_some_of_the_resources_start(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    cache = add("cache", add("db"))
    add("mail")
    with make_app() as app:
        connect_lifespan(app, registry, only=(cache,))

        signals.worker_init.send(sender=Worker(app))
        signals.worker_shutdown.send(sender=Worker(app))

    assert journal == ["+db", "+cache", "-cache", "-db"]


@pytest.mark.parametrize("forked", ["", "1"], ids=["process", "child of billiard"])
def test_a_worker_starts_and_shuts_down_once(
    forked: str,
    app: Any,
    add: Add,
    journal: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The solo pool sends worker_process_init too. A worker may run again."""
    monkeypatch.setenv("FORKED_BY_MULTIPROCESSING", forked)
    add("db")

    for _ in range(2):
        signals.worker_init.send(sender=Worker(app))
        signals.worker_process_init.send(sender=None)
        signals.worker_shutdown.send(sender=Worker(app))
        signals.worker_shutdown.send(sender=Worker(app))

    assert journal == ["+db", "-db"] * 2


def test_the_workers_of_another_app_start_and_shut_down_nothing(
    app: Any, add: Add, journal: list[str]
) -> None:
    add("db")
    with make_app() as other:
        signals.worker_init.send(sender=Worker(other))
        signals.worker_process_init.send(sender=None)
        signals.worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
        assert journal == []
        signals.worker_init.send(sender=Worker(app))
        signals.worker_shutdown.send(sender=Worker(other))
        test_worker_stopped.send(sender=other, worker=None)
        assert journal == ["+db"]
        test_worker_stopped.send(sender=app, worker=None)

    assert journal == ["+db", "-db"]


@pytest.mark.parametrize("pool", ["prefork", "processes"])
def test_the_parent_of_the_prefork_pool_starts_nothing(
    pool: str, app: Any, add: Add, journal: list[str]
) -> None:
    """A thread would be missing in the forked children."""
    add("db")
    threads = threading.enumerate()

    signals.worker_init.send(sender=Worker(app, pool))
    assert threading.enumerate() == threads
    signals.worker_shutdown.send(sender=Worker(app, pool))

    assert journal == []


@pytest.mark.parametrize(
    ("default", "limit"), [(60, 4 + 300 + 60), (float("inf"), 24 * 60 * 60)]
)
def test_celery_waits_for_the_start_of_a_prefork_child(
    default: float, limit: float, app: Any, add: Add, registry: Registry
) -> None:
    """Celery's own limit is 4 s; its timers do not accept infinity."""
    add("db")

    @lifespan_resource("model", registry=registry, start_timeout=300)
    async def model() -> AsyncGenerator[int]:
        yield 1

    with override_settings(LIFESPAN={"START_TIMEOUT": default}):
        signals.worker_init.send(sender=Worker(app, "prefork"))

    assert app.conf.worker_proc_alive_timeout == limit


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_an_invalid_plan_ends_the_worker(
    pool: str, app: Any, add: Add, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise Celery would replace the children of the prefork pool forever."""
    add("repository", DB)

    with pytest.raises(SystemExit) as caught:
        signals.worker_init.send(sender=Worker(app, pool))

    assert caught.value.code == 1
    assert isinstance(caught.value.__cause__, MissingDependency)
    (record,) = [record for record in caplog.records if record.levelname == "CRITICAL"]
    assert record.exc_info is not None
    assert record.exc_info[1] is caught.value.__cause__


def test_an_eager_task_without_a_worker_starts_nothing(app: Any, add: Add) -> None:
    add("db")
    app.conf.task_always_eager = True

    @app.task(shared=False)
    def ask() -> str:
        return current_state()[DB]

    with pytest.raises(LifespanNotRunning):
        ask.delay().get()
