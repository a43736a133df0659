"""``override_state``: a fake in the place of a value, and no longer than it should."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
import unittest
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import (
    AsyncRequestFactory,
    LiveServerTestCase,
    RequestFactory,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
)

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed._runtime.overrides import overrides
from django_lifespan_typed.exceptions import MissingDependency, StateNotFound
from django_lifespan_typed.middleware import LifespanStateMiddleware
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.testing import override_state

from .conftest import Add

pytestmark = pytest.mark.usefixtures("nothing_is_left")

HTTP = StateKey[str]("http")


# --- Before a start


async def test_neither_the_real_nor_what_only_it_needs_starts(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """What needs the value is given the fake."""
    dns = add("dns")
    socket = add("socket", dns)
    http = add("http", socket)
    catalogue = add("catalogue", http)

    with override_state(http, "fake"):
        async with Lifespan(registry) as state:
            assert dict(state) == {"http": "fake", "catalogue": "catalogue(fake)"}
            assert state[http] == "fake"
            assert state[catalogue] == "catalogue(fake)"
        assert dict(state) == {"catalogue": "catalogue(fake)"}

    assert journal == ["+catalogue", "-catalogue"]


async def test_what_others_need_too_starts(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """Of a diamond, what the fake's siblings need is there."""
    root = add("root")
    left = add("left", root)
    right = add("right", root)
    add("top", left, right)

    with override_state(left, "fake"):
        async with Lifespan(registry) as state:
            assert state["top"] == "top(fake,right(root()))"

    assert journal == ["+root", "+right", "+top", "-top", "-right", "-root"]


async def test_two_fakes_leave_out_what_only_they_need(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """A diamond, both of whose sides are fakes, has no root."""
    root = add("root")
    left = add("left", root)
    right = add("right", root)
    add("top", left, right)

    with override_state(left, "L"), override_state(right, "R"):
        async with Lifespan(registry) as state:
            assert state["top"] == "top(L,R)"

    assert journal == ["+top", "-top"]


async def test_what_a_value_is_faked_for_may_be_asked_for(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """``only=`` starts what is named, faked or not, and what that needs."""
    socket = add("socket")
    http = add("http", socket)
    catalogue = add("catalogue", http)
    add("other")

    with override_state(http, "fake"):
        async with Lifespan(registry, only=(catalogue,)):
            assert journal == ["+catalogue"]
        async with Lifespan(registry, only=(http,)) as state:
            assert dict(state) == {"http": "fake"}
        async with Lifespan(registry, only=(http, socket)) as state:
            assert dict(state) == {"http": "fake", "socket": "socket()"}

    assert journal == ["+catalogue", "-catalogue", "+socket", "-socket"]


async def test_a_missing_need_may_be_faked(add: Add, registry: Registry) -> None:
    """A registry that is not whole is tested with fakes for what is missing."""
    add("catalogue", HTTP)

    with override_state(HTTP, "fake"):
        async with Lifespan(registry) as state:
            assert state["catalogue"] == "catalogue(fake)"


async def test_a_name_that_nobody_registers(registry: Registry) -> None:
    """It is on the state, and gone after it."""
    async with Lifespan(registry) as state:
        with override_state(HTTP, "fake"):
            assert get_state({"state": {}}, HTTP) == state[HTTP] == "fake"
        assert HTTP not in state

        with pytest.raises(StateNotFound):
            get_state({"state": {}}, HTTP)


async def test_the_real_value_of_an_override_that_ends_first(
    add: Add, registry: Registry
) -> None:
    """There is none: the name is as absent as if nothing had started it."""
    http = add("http")
    override = override_state(http, "fake")
    override.__enter__()

    async with Lifespan(registry) as state:
        override.__exit__(None, None, None)

        assert dict(state) == {}


async def test_managers_names(registry: Registry, journal: list[str]) -> None:
    """A manager starts, for it may yield more; its name is the fake's all the same."""

    @asynccontextmanager
    async def manager() -> Any:
        journal.append("+manager")
        yield {"http": "real", "other": "real"}
        journal.append("-manager")

    register_lifespan_manager(context_manager=manager, registry=registry)

    with override_state(HTTP, "fake"):
        async with Lifespan(registry) as state:
            assert dict(state) == {"http": "fake", "other": "real"}
            inner = dict(state)

    async with Lifespan(registry) as state:
        with override_state(HTTP, "fake"):
            assert dict(state) == inner
        assert state[HTTP] == "real"
    assert journal == ["+manager", "-manager"] * 2


async def test_a_manager_that_ends_after_the_override(registry: Registry) -> None:
    """What it yielded behind the fake comes forward."""

    @asynccontextmanager
    async def manager() -> Any:
        yield {"http": "real"}

    register_lifespan_manager(context_manager=manager, registry=registry)
    override = override_state(HTTP, "fake")
    override.__enter__()

    async with Lifespan(registry) as state:
        assert state[HTTP] == "fake"
        override.__exit__(None, None, None)

        assert state[HTTP] == "real"


async def test_an_override_that_ends_during_a_start(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    """The lifespan starts with what was overridden when it began."""
    http = add("http")
    slow_has_begun, slow_may_go_on = asyncio.Event(), asyncio.Event()

    @lifespan_resource("slow", registry=registry)
    async def slow() -> str:
        slow_has_begun.set()
        await slow_may_go_on.wait()
        return "slow"

    catalogue = add("catalogue", http, slow)
    lifespan = Lifespan(registry)
    with override_state(http, "fake"):
        starting = asyncio.ensure_future(lifespan.__aenter__())
        await slow_has_begun.wait()
    slow_may_go_on.set()
    state = await starting

    assert state[catalogue] == "catalogue(fake,slow)"
    assert http not in state
    await lifespan.__aexit__(None, None, None)
    assert journal == ["+catalogue", "-catalogue"]


async def test_one_that_has_ended_says_what_it_kept_out(
    add: Add, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lifespan that started meanwhile goes on without it."""
    monkeypatch.setattr(
        "django_lifespan_typed._runtime.missing.default_registry", registry
    )
    http = add("http")
    override = override_state(http, "fake")
    override.__enter__()
    async with Lifespan(registry):
        override.__exit__(None, None, None)

        with pytest.raises(StateNotFound) as caught:
            get_state({}, http)

    assert "A test overrode 'http' when it started" in str(caught.value)


async def test_a_plan_that_fails(add: Add, registry: Registry) -> None:
    """Where nothing can start, nothing is kept of the lifespan."""
    add("catalogue", HTTP)

    with pytest.raises(MissingDependency):
        async with Lifespan(registry):
            raise AssertionError


# --- While it runs


async def test_swapped_and_back(add: Add, registry: Registry) -> None:
    """What was made of the real value keeps it."""
    http = add("http")
    catalogue = add("catalogue", http)

    async with Lifespan(registry) as state:
        with override_state(http, "fake") as fake:
            assert fake == state[http] == current_state()[http] == "fake"
            assert state[catalogue] == "catalogue(http())"
        assert state[http] == "http()"


async def test_swapped_in_an_async_block(add: Add, registry: Registry) -> None:
    """``async with`` does the same."""
    http = add("http")

    async with Lifespan(registry) as state:
        async with override_state(http, "fake") as fake:
            assert fake == state[http] == "fake"
        assert state[http] == "http()"


def test_swapped_in_sync_code(add: Add, registry: Registry) -> None:
    """And for the lifespan of sync code."""
    http = add("http")

    with Lifespan(registry) as state:
        with override_state(http, "fake"):
            assert state[http] == current_state()[http] == "fake"
        assert state[http] == "http()"


async def test_of_another_lifespan_too(add: Add, registry: Registry) -> None:
    """All that run in the process are overridden, also those that start meanwhile."""
    http = add("http")

    async with Lifespan(registry) as first:
        with override_state(http, "fake"):
            async with Lifespan(registry) as second:
                assert (first[http], second[http]) == ("fake", "fake")
            assert dict(second) == {}
        assert first[http] == "http()"


def test_in_other_threads(add: Add, registry: Registry) -> None:
    """A server in another thread, with a loop of its own, has the fake."""
    http = add("http")
    up, faked, seen = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with Lifespan(registry) as state:
            up.set()
            await asyncio.to_thread(faked.wait)
            seen.append(state[http])

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    up.wait()

    with override_state(http, "fake"):
        faked.set()
        thread.join()

    assert seen == ["fake"]


async def test_in_tasks_that_run_already(add: Add, registry: Registry) -> None:
    """An override is of the process, not of the task that makes it."""
    http = add("http")
    faked = asyncio.Event()

    async with Lifespan(registry) as state:

        async def later() -> str:
            await faked.wait()
            return state[http]

        task = asyncio.ensure_future(later())
        with override_state(http, "fake"):
            faked.set()
            assert await task == "fake"


async def test_the_lifespan_stops_first(add: Add, registry: Registry) -> None:
    """An override that outlasts a lifespan is no burden to it, nor to the next one."""
    http = add("http")
    lifespan = Lifespan(registry)
    override = override_state(http, "fake")

    async with lifespan as state:
        override.__enter__()
    assert state[http] == "http()"
    override.__exit__(None, None, None)

    async with lifespan as state:
        assert state[http] == "http()"


async def test_a_failed_start_is_overridden_no_longer(
    add: Add, registry: Registry
) -> None:
    """Nothing is kept of a lifespan that did not come up."""
    http = add("http")
    add("broken", http, fails="start")

    with override_state(http, "fake"):
        with pytest.raises(ConnectionError, match="broken"):
            async with Lifespan(registry):
                raise AssertionError
        with override_state(http, "other"):
            pass


async def test_a_failed_stop_is_overridden_no_longer(
    add: Add, registry: Registry
) -> None:
    """Nothing is kept of a lifespan that did not go down well."""
    http = add("http", fails="stop")

    with pytest.raises(ConnectionError, match="http"):
        async with Lifespan(registry):
            override_state(http, "fake").__enter__()  # left below
    ((token, _),) = overrides._values["http"]
    overrides.remove("http", token)


# --- Nested, twice, out of order


async def test_nested(add: Add, registry: Registry) -> None:
    """The inner one holds, then the outer one again."""
    http = add("http")

    async with Lifespan(registry) as state:
        with override_state(http, "outer"):
            with override_state(http, "inner"):
                assert state[http] == "inner"
            assert state[http] == "outer"
        assert state[http] == "http()"


async def test_one_override_entered_twice(add: Add, registry: Registry) -> None:
    """One object may be entered again while it holds."""
    http = add("http")
    override = override_state(http, "fake")

    async with Lifespan(registry) as state:
        with override:
            with override:
                assert state[http] == "fake"
            assert state[http] == "fake"
        assert state[http] == "http()"
        with override:
            assert state[http] == "fake"
        assert state[http] == "http()"


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("second", [0, 1])
async def test_left_in_any_order(
    add: Add, registry: Registry, first: int, second: int
) -> None:
    """The latest that still holds is what counts."""
    http = add("http")
    held = [override_state(http, name) for name in ("a", "b", "c")]

    async with Lifespan(registry) as state:
        names = ["http()"]
        for name, override in zip("abc", held, strict=True):
            override.__enter__()
            names.append(name)
        left = []
        for index in (first, second, 0):
            held.pop(index).__exit__(None, None, None)
            names.pop(index + 1)
            left.append(state[http])

            assert state[http] == names[-1]
        assert left[-1] == "http()"


@pytest.mark.parametrize(
    "error", [ValueError, KeyboardInterrupt, asyncio.CancelledError, SystemExit]
)
async def test_an_exception_passes(
    add: Add, registry: Registry, error: type[BaseException]
) -> None:
    """It is not swallowed, and nothing leaks."""
    http = add("http")

    async with Lifespan(registry) as state:
        with pytest.raises(error), override_state(http, "fake"):
            raise error
        with pytest.raises(error):
            async with override_state(http, "fake"):
                raise error

        assert state[http] == "http()"


def test_none_is_a_value(add: Add, registry: Registry) -> None:
    """A key may be overridden with nothing at all."""
    http: StateKey[Any] = add("http")

    with override_state(http, None), Lifespan(registry) as state:
        assert state[http] is None
        assert http in state


def test_two_keys_of_one_name(add: Add, registry: Registry) -> None:
    """They stand for one value."""
    http = add("http")

    with override_state(HTTP, "fake"), Lifespan(registry) as state:
        assert state[http] == "fake"


@pytest.fixture
def hasty_threads() -> Generator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_threads_that_override_at_once(add: Add, registry: Registry) -> None:
    """Overrides of many threads at once all come and go."""
    resources = [add(f"r{number}") for number in range(4)]
    together = threading.Barrier(4)
    wrong: list[object] = []

    def work(state: LifespanState, number: int) -> None:
        together.wait()
        for turn in range(300):
            with override_state(resources[number], f"fake {turn}"):
                # Joins and leaves as a lifespan does, and far more often than one.
                own: dict[str, object] = {}
                covered = overrides.join(own)
                name = resources[number].name
                if {own.get(name), state[name]} != {f"fake {turn}"}:
                    wrong.append((number, turn))
                overrides.leave(covered)

    with Lifespan(registry) as state:
        threads = [threading.Thread(target=work, args=(state, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert [state[resource] for resource in resources] == [
            "r0()",
            "r1()",
            "r2()",
            "r3()",
        ]


# --- As a decorator


def test_of_a_function(add: Add, registry: Registry) -> None:
    """It is overridden whenever the function runs, and what it is called stays."""
    http = add("http")

    @override_state(http, "fake")
    def search(word: str, *, exact: bool) -> tuple[str, bool, str]:
        """Search."""
        return word, exact, current_state()[http]

    with Lifespan(registry) as state:
        assert search("whale", exact=True) == ("whale", True, "fake")
        assert state[http] == "http()"
        assert search("whale", exact=False) == ("whale", False, "fake")
    assert (search.__name__, search.__doc__) == ("search", "Search.")
    assert [*inspect.signature(search).parameters] == ["word", "exact"]


async def test_of_an_async_function(add: Add, registry: Registry) -> None:
    """It is overridden until the function has ended, not until it is called."""
    http = add("http")

    @override_state(http, "fake")
    async def search() -> str:
        await asyncio.sleep(0)
        return current_state()[http]

    assert inspect.iscoroutinefunction(search)
    async with Lifespan(registry) as state:
        coroutine = search()
        assert state[http] == "http()"
        assert await coroutine == "fake"
        assert state[http] == "http()"


async def test_of_a_function_that_fails(add: Add, registry: Registry) -> None:
    """Its exception passes, and nothing leaks."""
    http = add("http")

    @override_state(http, "fake")
    async def search() -> None:
        raise ValueError(current_state()[http])

    async with Lifespan(registry) as state:
        with pytest.raises(ValueError, match="fake"):
            await search()
        assert state[http] == "http()"


def test_several_decorators(add: Add, registry: Registry) -> None:
    """The lowest, which is entered last, is what counts for one key."""
    http, cache = add("http"), add("cache")

    @override_state(http, "outer")
    @override_state(http, "inner")
    @override_state(cache, "fake")
    def search() -> tuple[str, str]:
        return current_state()[http], current_state()[cache]

    with Lifespan(registry):
        assert search() == ("inner", "fake")


CASES: list[Any] = [
    unittest.TestCase,
    unittest.IsolatedAsyncioTestCase,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    LiveServerTestCase,
]


def run_case(case: Any) -> list[Any]:
    """Run every test of a case; what went wrong, without pytest's own plugins."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case)(result)
    assert result.testsRun
    return [*result.errors, *result.failures]


@pytest.mark.parametrize("base", CASES, ids=lambda base: base.__name__)
def test_of_a_test_case(add: Add, registry: Registry, base: Any) -> None:
    """All of each test is overridden: set-up, sync and async tests, tear-down."""
    http = add("http")
    seen: list[tuple[str, str]] = []

    @override_state(http, "fake")
    class Tests(base):  # type: ignore[misc]
        # As in a project: nothing of the database is flushed, for it has no tables.
        available_apps: list[str] | None = []

        def setUp(self) -> None:
            with Lifespan(registry) as state:
                seen.append(("setUp", state[http]))

        def tearDown(self) -> None:
            with Lifespan(registry) as state:
                seen.append(("tearDown", state[http]))

        def test_sync(self) -> None:
            with Lifespan(registry) as state:
                seen.append(("sync", state[http]))

        if base is not unittest.TestCase:

            async def test_async(self) -> None:
                async with Lifespan(registry) as state:
                    seen.append(("async", state[http]))

    assert run_case(Tests) == []

    kinds = ["sync"] if base is unittest.TestCase else ["async", "sync"]
    assert seen == [
        (name, "fake") for kind in kinds for name in ("setUp", kind, "tearDown")
    ]


def test_of_a_test_case_that_is_derived(add: Add, registry: Registry) -> None:
    """A subclass is overridden too; its base, if only it is decorated, is not."""
    http = add("http")
    seen: list[tuple[str, object]] = []

    class Base(unittest.TestCase):
        def test_it(self) -> None:
            with Lifespan(registry) as state:
                seen.append((type(self).__name__, state[http]))

    @override_state(http, "fake")
    class Decorated(Base): ...

    class Derived(Decorated): ...

    @override_state(http, "other")
    class Again(Decorated): ...

    for case in (Base, Decorated, Derived, Again):
        assert run_case(case) == []

    assert seen == [
        ("Base", "http()"),
        ("Decorated", "fake"),
        ("Derived", "fake"),
        # As with Django's override_settings: a subclass has the last word.
        ("Again", "other"),
    ]


def again(cls: Any) -> Any:
    """As class decorators make a class anew."""
    return type(cls.__name__, cls.__bases__, dict(vars(cls)))


def derived(cls: Any) -> Any:
    """As class decorators make others from one."""
    return type(cls.__name__, (cls,), dict(vars(cls)))


@pytest.mark.parametrize("made", [again, derived])
def test_of_a_class_that_another_decorator_makes(
    made: Callable[[Any], Any], add: Add, registry: Registry
) -> None:
    """It runs each test once, with the fake."""
    http = add("http")
    seen: list[object] = []

    @made
    @override_state(http, "fake")
    class Case(unittest.TestCase):
        def test_it(self) -> None:
            with Lifespan(registry) as state:
                seen.append(state[http])

    assert run_case(Case) == []
    assert seen == ["fake"]


def test_of_a_class_with_a_run_of_its_own(add: Add, registry: Registry) -> None:
    """Which does not call the one that it inherits, which is decorated too."""
    http, mail = add("http"), add("mail")
    seen: list[object] = []

    @override_state(http, "fake")
    class Base(unittest.TestCase): ...

    @override_state(mail, "fake mail")
    class Case(Base):
        def run(self, result: Any = None) -> Any:
            seen.append("run")
            return unittest.TestCase.run(self, result)

        def test_it(self) -> None:
            with Lifespan(registry) as state:
                seen.extend([state[http], state[mail]])

    assert run_case(Case) == []
    assert seen == ["run", "fake", "fake mail"]


@pytest.mark.parametrize("name", ["run", "debug"])
def test_of_a_base_beside_a_mixin(name: str, add: Add, registry: Registry) -> None:
    """What comes after it in the order of the classes is called as ever."""
    http = add("http")
    seen: list[object] = []

    def called(self: Any, *args: Any) -> Any:
        seen.append(name)
        return getattr(unittest.TestCase, name)(self, *args)

    mixin: Any = type("Mixin", (unittest.TestCase,), {name: called})

    @override_state(http, "fake")
    class Base(unittest.TestCase): ...

    class Case(Base, mixin):  # type: ignore[misc]
        def test_it(self) -> None:
            with Lifespan(registry) as state:
                seen.append(state[http])

    case = Case("test_it")
    if name == "debug":
        case.debug()
    else:
        case.run(unittest.TestResult())

    assert seen == [name, "fake"]


def test_of_a_test_case_with_two_decorated_bases(add: Add, registry: Registry) -> None:
    """Both hold; of one key, that of the base which Python asks first."""
    http, cache = add("http"), add("cache")
    seen: list[object] = []

    @override_state(http, "left")
    class Left(unittest.TestCase): ...

    @override_state(cache, "right")
    @override_state(http, "right")
    class Right(unittest.TestCase): ...

    class Tests(Left, Right):
        def test_it(self) -> None:
            with Lifespan(registry) as state:
                seen.extend((state[http], state[cache]))

    assert run_case(Tests) == []

    assert seen == ["left", "right"]


def test_of_a_test_case_that_fails(add: Add, registry: Registry) -> None:
    """Neither a failing test nor a failing set-up leaves the fake behind."""
    http = add("http")

    @override_state(http, "fake")
    class Tests(unittest.TestCase):
        def setUp(self) -> None:
            if self._testMethodName == "test_set_up":
                raise ValueError

        def test_set_up(self) -> None: ...
        def test_it(self) -> None:
            raise ValueError

    assert len(run_case(Tests)) == 2

    with Lifespan(registry) as state:
        assert state[http] == "http()"


# --- Refused


def test_refuses_what_is_no_key() -> None:
    """A name is no key: its type is not known."""
    name: Any = "http"

    with pytest.raises(TypeError) as raised:
        override_state(name, "fake")

    assert str(raised.value) == (
        "override_state() takes a StateKey or a Resource, not 'http'\n"
        "Write: override_state(KEY, value)"
    )


def _yielding() -> Generator[None]:
    yield


async def _yielding_async() -> AsyncGenerator[None]:
    yield


@pytest.mark.parametrize(
    "function", [_yielding, _yielding_async], ids=["sync", "async"]
)
def test_refuses_a_generator_function(function: Callable[[], object]) -> None:
    """A fixture that yields, say: it is called, and so over, before it is run."""
    with pytest.raises(TypeError) as raised:
        override_state(StateKey[str]("http"), "fake")(function)

    assert str(raised.value) == (
        "override_state() would end before the first line of the generator function "
        f"{function.__qualname__}\n"
        "Write in it: with override_state(KEY, value):"
    )


def test_refuses_a_class_without_tests() -> None:
    """Where pytest collects a plain class, there is nothing that runs its tests."""

    class Tests: ...

    with pytest.raises(TypeError) as raised:
        override_state(HTTP, "fake")(Tests)

    assert str(raised.value) == (
        f"override_state() decorates functions and TestCase classes, not {Tests!r}\n"
        "Decorate its test methods."
    )


# --- A resource alone


async def test_a_resource_alone_with_a_fake(registry: Registry) -> None:
    """Its factory is given what the test gives it; nothing else starts."""

    @lifespan_resource("number", registry=registry)
    async def number() -> int:
        raise AssertionError

    @lifespan_resource("double", needs=(number,), registry=registry)
    async def double(given: int) -> int:
        return 2 * given

    async with double.open(21) as value:
        assert value == 42


# --- Without a lifespan


@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_a_view_alone_finds_the_fake(factory: type[RequestFactory]) -> None:
    """Nothing starts for a test of one function."""
    request = factory().get("/")

    with override_state(HTTP, "fake"):
        found = get_state(request, HTTP)

    assert found == "fake"
    assert get_state(request, HTTP, None) is None


def test_a_request_of_a_client_has_the_fake_on_its_state() -> None:
    """Where the middleware is, and no lifespan."""
    found: list[object] = []

    def view(request: Any) -> HttpResponse:
        found.extend([request.state[HTTP], get_state(request, HTTP), {**request.state}])
        return HttpResponse()

    with override_state(HTTP, "fake"):
        LifespanStateMiddleware(view)(RequestFactory().get("/"))

    assert found == ["fake", "fake", {"http": "fake"}]


async def test_a_running_lifespan_has_the_last_word(
    add: Add, registry: Registry
) -> None:
    """What only an overridden resource needs has not started, and is not found."""
    dns = add("dns")
    http = add("http", dns)

    with override_state(http, "fake"):
        async with Lifespan(registry):
            with pytest.raises(StateNotFound):
                get_state({}, dns)
