"""``register_lifespan_manager``: names and values from a context manager."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import (
    DuplicateName,
    InvalidFactory,
    ShutdownTimeout,
)
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.signals import asgi_lifespan
from django_lifespan_typed.types import LifespanManager

from .places import drawn
from .server import STARTED, FakeServer, body_of


async def test_its_names_are_on_the_state(
    registry: Registry, journal: list[str]
) -> None:
    """Every name that it yields, typed by whoever declares a key for it."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        journal.append("+clients")
        yield {"one": 1, "two": 2}
        journal.append("-clients")

    register_lifespan_manager(context_manager=clients, registry=registry)
    async with Lifespan(registry) as state:
        found = dict(state)
        typed = state[StateKey[int]("two")]

    assert found == {"one": 1, "two": 2}
    assert typed == 2
    assert journal == ["+clients", "-clients"]


async def test_it_registers_in_the_default_registry(default: Registry) -> None:
    """As in django-asgi-lifespan, which has no other."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        yield {"one": 1}

    register_lifespan_manager(context_manager=clients)

    async with Lifespan() as state:
        assert dict(state) == {"one": 1}


async def test_it_is_served_to_requests(registry: Registry) -> None:
    """``request.state`` has its names, beside those of resources."""

    @lifespan_resource("three", registry=registry)
    async def three() -> int:
        return 3

    @asynccontextmanager
    async def clients() -> LifespanManager:
        yield {"one": 1, "two": 2}

    register_lifespan_manager(context_manager=clients, registry=registry)
    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        served = await server.request("/names")
        await server.shutdown()

    assert body_of(served) == '["one", "three", "two"]'


async def test_a_receiver_of_asgi_lifespan_may_add_nothing(
    registry: Registry, connect: Callable[[Signal, Any], None]
) -> None:
    """One returns a manager, another None: the first is served."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        yield {"one": 1}

    async def adds(**_: Any) -> Any:
        return clients

    async def adds_nothing(**_: Any) -> None:
        return None

    connect(asgi_lifespan, adds_nothing)
    connect(asgi_lifespan, adds)
    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        served = await server.request("/names")
        await server.shutdown()

    assert body_of(served) == '["one"]'


async def test_registered_twice_it_opens_once(
    registry: Registry, journal: list[str]
) -> None:
    """``AppConfig.ready()`` may run more than once."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        journal.append("+clients")
        yield {"one": 1}
        journal.append("-clients")

    register_lifespan_manager(context_manager=clients, registry=registry)
    register_lifespan_manager(context_manager=clients, registry=registry)
    async with Lifespan(registry):
        pass

    assert journal == ["+clients", "-clients"]


async def test_two_partials_of_one_manager_are_two(
    registry: Registry, journal: list[str]
) -> None:
    """They are different managers, and have different names in the log."""

    @asynccontextmanager
    async def client(name: str) -> LifespanManager:
        journal.append(f"+{name}")
        yield {name: 1}
        journal.append(f"-{name}")

    for name in ("one", "two"):
        register_lifespan_manager(
            context_manager=functools.partial(client, name), registry=registry
        )
    lifespan = Lifespan(registry)
    async with lifespan:
        names = [status.name for status in lifespan.status()]

    qualified = f"manager {__name__}.{client.__qualname__}"
    assert names == [qualified, f"{qualified} #2"]
    assert sorted(journal) == ["+one", "+two", "-one", "-two"]


class Clients:
    """A manager that is a class."""

    async def __aenter__(self) -> dict[str, Any]:
        return {"one": 1}

    async def __aexit__(self, *_: object) -> None:
        return None


class Provider:
    """A manager that is a bound method."""

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[dict[str, Any]]:
        yield {"one": 1}


@pytest.mark.parametrize(
    "manager",
    [
        pytest.param(Clients, id="class"),
        pytest.param(Provider().clients, id="bound method"),
        pytest.param(lambda: Clients(), id="lambda"),
    ],
)
async def test_whatever_makes_a_context_manager_is_one(
    registry: Registry, manager: Callable[[], Any]
) -> None:
    """The signature says: a callable that makes a context manager."""
    register_lifespan_manager(context_manager=manager, registry=registry)

    async with Lifespan(registry) as state:
        assert dict(state) == {"one": 1}


async def test_a_bound_method_registered_twice_is_one(registry: Registry) -> None:
    """Each access makes a new method object: they are equal."""
    provider = Provider()

    register_lifespan_manager(context_manager=provider.clients, registry=registry)
    register_lifespan_manager(context_manager=provider.clients, registry=registry)

    assert len(registry.managers) == 1


# --- Errors


async def test_two_managers_with_one_name_are_refused(registry: Registry) -> None:
    """Both places are named, and what was open is closed."""
    closed: list[str] = []

    @asynccontextmanager
    async def first() -> LifespanManager:
        yield {"client": 1}
        closed.append("first")

    @asynccontextmanager
    async def second() -> LifespanManager:
        try:
            yield {"client": 2}
        finally:
            closed.append("second")

    register_lifespan_manager(context_manager=first, registry=registry)  # M1
    register_lifespan_manager(context_manager=second, registry=registry)  # M2

    with pytest.raises(DuplicateName) as caught:
        async with Lifespan(registry):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        "two lifespan resources are named 'client'\n"
        f"{drawn(__file__, '# M1')}\n{drawn(__file__, '# M2')}\n"
        "Rename one of them, or remove it."
    )
    assert sorted(closed) == ["first", "second"]


async def test_a_manager_and_a_resource_with_one_name_are_refused(
    registry: Registry,
) -> None:
    """A manager cannot take a resource's name either."""

    @lifespan_resource("client", registry=registry)  # M3
    async def client() -> int:
        return 1

    @asynccontextmanager
    async def clients() -> LifespanManager:
        yield {"client": 2}

    register_lifespan_manager(context_manager=clients, registry=registry)  # M4

    with pytest.raises(DuplicateName) as caught:
        async with Lifespan(registry):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        "two lifespan resources are named 'client'\n"
        f"{drawn(__file__, '# M3')}\n{drawn(__file__, '# M4')}\n"
        "Rename one of them, or remove it."
    )


@pytest.mark.parametrize(
    ("yielded", "shown"),
    [
        pytest.param(None, "None", id="bare yield"),
        pytest.param(7, "7", id="a value without a name"),
        pytest.param(["one"], "['one']", id="names without values"),
    ],
)
async def test_what_is_not_names_and_values_is_refused(
    registry: Registry, yielded: object, shown: str
) -> None:
    """A bare ``yield`` is the usual slip."""

    @asynccontextmanager
    async def clients() -> AsyncGenerator[Any]:
        if yielded is None:
            yield
        else:
            yield yielded

    register_lifespan_manager(context_manager=clients, registry=registry)  # M5

    with pytest.raises(InvalidFactory) as caught:
        async with Lifespan(registry):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        f"lifespan resource 'manager {__name__}.{clients.__qualname__}' "
        f"yielded {shown}, not names and values\n"
        f"{drawn(__file__, '# M5')}\n"
        'Write: yield {"some_name": value}'
    )


async def test_a_failed_manager_is_a_failed_start(registry: Registry) -> None:
    """Named, with the place of its registration."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        raise OSError("no route")
        yield {}

    register_lifespan_manager(context_manager=clients, registry=registry)  # M7

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        sent = await server.startup()

    assert sent["type"] == "lifespan.startup.failed"
    assert sent["message"].startswith(
        f"while starting lifespan resource 'manager {__name__}."
        f"{clients.__qualname__}'\n{drawn(__file__, '# M7')}\n"
        "Traceback (most recent call last):\n"
    )


async def test_managers_close_one_after_the_other_the_last_one_first(
    registry: Registry, journal: list[str]
) -> None:
    """Nothing says whom they need: one may use what was registered before it."""

    def manager(name: str) -> Callable[..., Any]:
        @asynccontextmanager
        async def one() -> LifespanManager:
            yield {name: name}
            for _ in range(9 * (name == "c")):
                await asyncio.sleep(0)
            journal.append(f"-{name}")
            if name == "b":
                raise ValueError("b fails")

        return one

    for name in "a", "b", "c":
        register_lifespan_manager(context_manager=manager(name), registry=registry)

    with pytest.raises(ValueError, match="b fails"):
        async with Lifespan(registry):
            pass

    assert journal == ["-c", "-b", "-a"]


async def test_a_manager_that_is_late_names_those_that_wait(
    registry: Registry,
) -> None:
    """Those that were registered before it."""

    @asynccontextmanager
    async def pool() -> LifespanManager:
        yield {"pool": 1}

    @asynccontextmanager
    async def buffer() -> LifespanManager:
        yield {"buffer": 2}
        await asyncio.Event().wait()

    for each in pool, buffer:
        register_lifespan_manager(context_manager=each, registry=registry)

    with (
        override_settings(LIFESPAN={"STOP_TIMEOUT": 0.05}),
        pytest.raises(ShutdownTimeout) as caught,
    ):
        async with Lifespan(registry):
            pass

    assert caught.value.waiting == (f"manager {__name__}.{pool.__qualname__}",)


async def test_a_name_that_is_no_string_is_refused(registry: Registry) -> None:
    """Views could not ask for it, and the errors that list names would fail."""

    @asynccontextmanager
    async def clients() -> AsyncGenerator[Any]:
        yield {"one": 1, int: 2, ("db", 1): 3}

    register_lifespan_manager(context_manager=clients, registry=registry)  # M9

    with pytest.raises(InvalidFactory) as caught:
        async with Lifespan(registry):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        f"lifespan resource 'manager {__name__}.{clients.__qualname__}' "
        "yielded a value under <class 'int'>, which is no string\n"
        f"{drawn(__file__, '# M9')}\n"
        'Write: yield {"some_name": value}'
    )


async def test_managers_restart_with_the_lifespan(
    registry: Registry, journal: list[str]
) -> None:
    """A second lifespan of one handler opens them anew."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        journal.append("+clients")
        yield {"one": 1}
        journal.append("-clients")

    register_lifespan_manager(context_manager=clients, registry=registry)
    handler = LifespanASGIHandler(registry)
    answers = []
    for _ in range(2):
        async with FakeServer(handler, state={}) as server:
            answers.append(await server.startup())
            await server.shutdown()

    assert answers == [STARTED, STARTED]
    assert journal == ["+clients", "-clients"] * 2
