"""Lifespan.call: a coroutine function on the loop of the resources."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import LifespanError


async def loop_here(*_: object) -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_call_passes_arguments_results_and_exceptions(registry: Registry) -> None:
    async def divide(number: int, *, by: int) -> float:
        return number / by

    lifespan = Lifespan(registry)
    with lifespan:
        quarter = lifespan.call(divide, 1, by=4)
        through_partial = lifespan.call(partial(divide, by=2), 1)
        with pytest.raises(ZeroDivisionError):
            lifespan.call(divide, 1, by=0)

    assert (quarter, through_partial) == (0.25, 0.5)


def test_call_is_part_of_the_callers_transaction(registry: Registry) -> None:
    """Async code of Django's ORM runs its queries in the caller's thread."""

    def execute(statement: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return int((cursor.fetchone() or [0])[0])

    count = partial(execute, "SELECT count(*) FROM sync_books")
    insert = partial(execute, "INSERT INTO sync_books VALUES (2)")

    async def insert_and_count() -> int:
        await sync_to_async(insert)()
        return await sync_to_async(count)()

    execute("CREATE TABLE sync_books (id integer)")
    lifespan = Lifespan(registry)
    try:
        with lifespan, transaction.atomic():
            insert()
            seen = (lifespan.call(insert_and_count), async_to_sync(insert_and_count)())
            transaction.set_rollback(True)
        left = count()
    finally:
        execute("DROP TABLE sync_books")
        connection.close()

    assert seen == (2, 3)
    assert left == 0


def test_call_from_another_thread_has_the_values_of_its_own_lifespan(
    registry: Registry,
) -> None:
    """Another block runs on the same loop, and started first."""
    key = StateKey[str]("key")

    async def read() -> str:
        return current_state()[key]

    other = Registry()
    for each, value in (other, "of the other"), (registry, "its own"):

        @lifespan_resource(key, registry=each)
        async def _value(value: str = value) -> str:
            return value

    entered, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with Lifespan(other):
            entered.set()
            assert go_on.wait(60)

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(hold)
        assert entered.wait(60)
        lifespan = Lifespan(registry)
        with lifespan:
            here = lifespan.call(read)
            there = pool.submit(lifespan.call, read).result(60)
        go_on.set()
        holding.result(60)

    assert (here, there) == ("its own", "its own")


def test_a_call_keeps_the_loop_running_until_it_has_ended(registry: Registry) -> None:
    """Another thread leaves the block meanwhile."""
    entered, left = threading.Event(), threading.Event()

    async def work() -> str:
        entered.set()
        await asyncio.to_thread(left.wait, 60)
        return "done"

    lifespan = Lifespan(registry)
    with ThreadPoolExecutor(1) as pool:
        lifespan.__enter__()
        calling = pool.submit(lifespan.call, work)
        assert entered.wait(60)
        lifespan.__exit__(None, None, None)
        left.set()
        result = calling.result(60)

    assert result == "done"


# --- Refused


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_call_needs_a_running_lifespan(registry: Registry, before: bool) -> None:
    lifespan = Lifespan(registry)
    if not before:
        with lifespan:
            pass

    with pytest.raises(LifespanError) as caught:
        lifespan.call(loop_here)

    assert str(caught.value) == (
        "this Lifespan is not running\nEnter it first: with Lifespan() as state:"
    )


def test_call_is_refused_on_an_event_loop(registry: Registry) -> None:
    """Also on that of the resources."""
    lifespan = Lifespan(registry)

    async def calling() -> object:
        return lifespan.call(loop_here)

    with lifespan:
        with pytest.raises(LifespanError) as caught:
            asyncio.run(calling())
        with pytest.raises(LifespanError) as caught_on_the_loop:
            lifespan.call(calling)

    assert str(caught.value) == (
        "this code runs on an event loop, which call() would block\n"
        "Await the function instead of passing it to call()."
    )
    assert str(caught_on_the_loop.value) == str(caught.value)


def test_call_is_refused_if_the_loop_is_not_running(registry: Registry) -> None:
    """It would wait forever."""
    loop = asyncio.new_event_loop()
    lifespan = Lifespan(registry)
    loop.run_until_complete(lifespan.__aenter__())
    shown = repr(loop)
    try:
        with pytest.raises(LifespanError) as caught:
            lifespan.call(loop_here)
    finally:
        loop.run_until_complete(lifespan.__aexit__(None, None, None))
        loop.close()

    assert str(caught.value) == (
        f"the event loop of this lifespan is not running\n    {shown}\n"
        "Call it while that loop runs, from another thread, or write: "
        "with Lifespan() as state:"
    )


async def test_a_loop_beside_that_of_the_thread_can_be_called(
    registry: Registry,
) -> None:
    own_loop = asyncio.get_running_loop()

    async def same_loop() -> bool:
        return asyncio.get_running_loop() is own_loop

    async with Lifespan(registry) as _:
        lifespan = Lifespan(registry)
        async with lifespan:

            def call() -> bool:
                with Lifespan(registry):
                    return lifespan.call(same_loop)

            assert await asyncio.to_thread(call)
