"""Types of values: found in annotations, and checked at startup."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    Optional,
    Protocol,
    TypeVar,
    Union,
    runtime_checkable,
)

import pytest
from typing_extensions import Self

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import InvalidValue
from tests.runtime.probes import next_line

declare: Any = lifespan_resource


class Client:
    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class BetterClient(Client): ...


@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...


class Opens(Protocol):
    def open(self) -> None: ...


class Closing:
    def close(self) -> None: ...


T = TypeVar("T")
CLIENT = f"{__name__}.Client"

FITS = [
    pytest.param(Client, BetterClient(), id="of a subclass"),
    pytest.param(complex, 1, id="an int is complex"),
    pytest.param(Union[int, Client], Client(), id="union"),  # noqa: UP007
    pytest.param(float | None, 1, id="promoted in a union"),
    pytest.param(None, None, id="none"),
    pytest.param(Closes, Closing(), id="runtime protocol"),
    pytest.param(Opens, Client(), id="protocol, not checked"),
    pytest.param(list[int], ["a"], id="generic, items not checked"),
    pytest.param(Callable[[], int], len, id="callable"),
    pytest.param(type[Client], BetterClient, id="class"),
    pytest.param(Literal["a"], "b", id="literal, not checked"),
    pytest.param("Client", 5, id="text, not checked"),
    pytest.param(int | Any, "a", id="union with any"),
    pytest.param(Annotated[int, "a port"] | None, 5, id="annotated in a union"),
]

MISFITS = [
    pytest.param(Client, None, "NoneType", CLIENT, id="none"),
    pytest.param(Client, BetterClient, "type", CLIENT, id="the class itself"),
    pytest.param(float, 1j, "complex", "float", id="complex is no float"),
    pytest.param(None, 5, "int", "NoneType", id="something for none"),
    pytest.param(Client | None, 5, "int", f"{CLIENT} | NoneType", id="optional"),
    pytest.param(Union[int, str], b"", "bytes", "int | str", id="union"),  # noqa: UP007
    pytest.param(Closes, Client(), CLIENT, f"{__name__}.Closes", id="protocol"),
    pytest.param(list[int], (1,), "tuple", "list[int]", id="generic"),
    pytest.param(Annotated[int, 1], "a", "str", str(Annotated[int, 1]), id="annotated"),
]


@pytest.mark.parametrize(("expected", "value"), FITS)
async def test_a_value_that_fits_is_accepted(
    expected: Any, value: object, registry: Registry
) -> None:
    async def factory() -> Any:
        return value

    declare(StateKey[expected]("it"), registry=registry)(factory)

    async with Lifespan(registry) as state:
        assert state["it"] is value


@pytest.mark.parametrize(("expected", "value", "given", "described"), MISFITS)
async def test_a_value_of_the_wrong_type_fails_the_start(
    expected: Any, value: object, given: str, described: str, registry: Registry
) -> None:
    closed: list[object] = []

    async def it() -> AsyncGenerator[Any]:
        try:
            yield value
        finally:
            closed.append(value)

    promise = next_line()
    key = StateKey[expected]("it")
    here = next_line()
    declare(key, registry=registry)(it)

    with pytest.raises(InvalidValue) as caught:
        await Lifespan(registry).__aenter__()

    assert isinstance(caught.value, TypeError)
    assert str(caught.value) == (
        f"lifespan resource 'it' has a value of type {given}, not {described}\n"
        f"    {here}  declare(key, registry=registry)(it)\n"
        f'    {promise}  key = StateKey[expected]("it")\n'
        f"Yield {described}, or change the type where it is declared."
    )
    assert closed == [value]
    assert not hasattr(caught.value, "__notes__")


async def test_a_factory_cannot_swallow_the_error(registry: Registry) -> None:
    """A rollback, for one, may suppress errors."""

    async def it() -> AsyncGenerator[Client]:
        with suppress(Exception):
            yield 5  # type: ignore[misc]

    declare("it", registry=registry)(it)

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()


async def test_the_annotation_counts_without_a_key(registry: Registry) -> None:
    def it() -> Iterator[Client]:
        yield 5  # type: ignore[misc]

    resource = declare("it", registry=registry)(it)

    with pytest.raises(InvalidValue) as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value.expected == CLIENT
    assert caught.value.key == caught.value.location == resource.declared_at
    assert str(caught.value).count(str(resource.declared_at)) == 1


class Pool(Generic[T]):
    """A pool returns itself when it is entered, not a connection."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


def entered_pool() -> Pool[Client]:
    return Pool()


async def awaited_pool() -> Pool[Client]:
    return Pool()


@pytest.mark.parametrize("factory", [entered_pool, awaited_pool])
async def test_the_value_of_a_generic_class_is_not_its_argument(
    factory: Any, registry: Registry
) -> None:
    """psycopg's AsyncConnectionPool is such a class."""
    pool = lifespan_resource("pool", registry=registry)(factory)

    async with Lifespan(registry) as state:
        assert isinstance(state[pool], Pool)


async def test_the_type_of_a_key_precedes_the_annotation(registry: Registry) -> None:
    @lifespan_resource(StateKey[Client]("it"), registry=registry)
    async def _it() -> BetterClient:
        return Client()  # type: ignore[return-value]

    async with Lifespan(registry) as state:
        assert type(state["it"]) is Client


async def test_the_key_of_a_dependent_is_checked_too(registry: Registry) -> None:
    """Two keys of one name may have two types. The factory cannot keep the value."""
    key = StateKey[Client]("it")
    seen: list[object] = []

    @lifespan_resource("user", needs=(key,), registry=registry)
    async def _user(it: Client) -> None:
        seen.append(it)

    async def it() -> AsyncGenerator[int]:
        try:
            yield 5
        except InvalidValue as error:
            seen.append(error)

    resource = declare("it", registry=registry)(it)

    with pytest.raises(InvalidValue) as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value.expected == CLIENT
    assert caught.value.location == resource.declared_at
    assert caught.value.key == key.declared_at
    assert seen == [caught.value]


# --- Annotations


async def generates() -> AsyncGenerator[Client]:
    yield Client()


async def awaits() -> Client:
    return Client()


async def has_no_annotation():  # type: ignore[no-untyped-def]
    yield Client()


async def yields_an_unknown_name() -> AsyncGenerator[NotThere]:  # type: ignore[name-defined]  # noqa: F821
    yield Client()


async def yields_an_optional() -> AsyncGenerator[Client | None]:
    yield None


async def returns_an_optional() -> Optional[Client]:  # noqa: UP045
    return None


def blocks() -> Iterator[Client]:
    yield Client()


def returns_a_coroutine() -> Coroutine[Any, Any, Client]:
    return awaits()


def returns_a_pool() -> Client:
    return Client()


async def awaits_a_manager() -> AbstractAsyncContextManager[int]:
    raise NotImplementedError


def class_that_enters(value_type: object) -> type:
    """Return an async context manager with that annotation, which is no string."""

    class Enters:
        async def __aenter__(self) -> object: ...

        async def __aexit__(self, *_: object) -> None: ...

    Enters.__aenter__.__annotations__["return"] = value_type
    return Enters


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (generates, Client),
        (asynccontextmanager(generates), Client),
        (awaits, Client),
        (blocks, Client),
        (returns_a_coroutine, Client),
        (Client, Client),
        (yields_an_optional, Optional[Client]),  # noqa: UP045
        (returns_an_optional, Optional[Client]),  # noqa: UP045
        (has_no_annotation, None),
        (yields_an_unknown_name, None),
        (returns_a_pool, Client),
        (awaits_a_manager, int),
        (class_that_enters(T), None),
        (class_that_enters(int), None),
    ],
)
def test_the_type_comes_from_the_annotations(
    factory: Any, expected: object, registry: Registry
) -> None:
    assert declare("it", registry=registry)(factory).value_type == expected


def test_annotations_that_cannot_be_evaluated_have_no_type(registry: Registry) -> None:
    """Python 3.14 evaluates them when they are read (PEP 649)."""

    class Raising:
        def __get__(self, *_: object) -> object:
            raise NameError("imported under TYPE_CHECKING")

    class Entering:
        __annotations__ = Raising()  # type: ignore[assignment]

        async def __call__(self) -> int:
            return 5

    class Pool:
        __aenter__ = Entering()

        async def __aexit__(self, *_: object) -> None: ...

    assert declare("it", registry=registry)(Pool).value_type is None
