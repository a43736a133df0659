"""Values are checked against the type that is promised, where that can be decided."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NewType,
    Optional,
    Protocol,
    TypedDict,
    TypeVar,
    Union,
    runtime_checkable,
)

import pytest
from typing_extensions import Self

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import InvalidFactory, InvalidValue

from .probes import next_line


class Client: ...


class BetterClient(Client): ...


@runtime_checkable
class Closes(Protocol):
    def close(self) -> None: ...


class Opens(Protocol):
    def open(self) -> None: ...


class Closing:
    def close(self) -> None: ...


class Row(TypedDict):
    name: str


UserId = NewType("UserId", int)
T = TypeVar("T")


@dataclass
class Box:
    content: object


FITS = [
    pytest.param(Client, Client(), id="an instance"),
    pytest.param(Client, BetterClient(), id="of a subclass"),
    pytest.param(object, Client(), id="anything is an object"),
    pytest.param(float, 1, id="an int is a float"),
    pytest.param(complex, 1.5, id="a float is complex"),
    pytest.param(complex, 1, id="an int is complex"),
    pytest.param(float, True, id="a bool is a float"),
    pytest.param(Optional[Client], None, id="optional"),  # noqa: UP045
    pytest.param(Union[int, Client], Client(), id="union"),  # noqa: UP007
    pytest.param(int | Client, 1, id="new union"),
    pytest.param(float | None, 1, id="promoted in a union"),
    pytest.param(None, None, id="none"),
    pytest.param(Closes, Closing(), id="runtime protocol"),
    pytest.param(Opens, Client(), id="protocol that cannot be checked"),
    pytest.param(list[int], [1], id="generic"),
    pytest.param(list[int], ["not looked into"], id="generic of others"),
    pytest.param(Callable[[], int], len, id="callable"),
    pytest.param(type[Client], BetterClient, id="class"),
    pytest.param(Row, {"name": "a"}, id="typed dictionary"),
    pytest.param(Row, 5, id="typed dictionary that cannot be checked"),
    pytest.param(UserId, "cannot be checked", id="new type"),
    pytest.param(Literal["a"], "cannot be checked", id="literal"),
    pytest.param(Any, Client(), id="any"),
    pytest.param(T, Client(), id="type variable"),
    pytest.param("Client", 5, id="text that is not evaluated"),
    pytest.param(int | Any, "anything", id="union with any"),
    pytest.param(Annotated[int, "a port"], 5, id="annotated"),
    pytest.param(Annotated[int, "a port"] | None, 5, id="annotated in a union"),
]

MISFITS = [
    pytest.param(Client, 5, "int", f"{__name__}.Client", id="another class"),
    pytest.param(Client, None, "NoneType", f"{__name__}.Client", id="none"),
    pytest.param(str, b"", "bytes", "str", id="bytes for text"),
    pytest.param(int, 1.5, "float", "int", id="a float is no int"),
    pytest.param(float, 1j, "complex", "float", id="complex is no float"),
    pytest.param(None, 5, "int", "NoneType", id="something for none"),
    pytest.param(
        Optional[Client],  # noqa: UP045
        5,
        "int",
        f"{__name__}.Client | NoneType",
        id="optional",
    ),
    pytest.param(Union[int, str], b"", "bytes", "int | str", id="union"),  # noqa: UP007
    pytest.param(int | Client, "a", "str", f"int | {__name__}.Client", id="new union"),
    pytest.param(
        Closes, Client(), f"{__name__}.Client", f"{__name__}.Closes", id="protocol"
    ),
    pytest.param(list[int], (1,), "tuple", "list[int]", id="generic"),
    pytest.param(
        Annotated[int, "a port"],
        "a",
        "str",
        str(Annotated[int, "a port"]),
        id="annotated",
    ),
    pytest.param(
        Client, BetterClient, "type", f"{__name__}.Client", id="the class itself"
    ),
]


@pytest.mark.parametrize(("expected", "value"), FITS)
async def test_accepts_what_fits(
    expected: Any, value: object, registry: Registry
) -> None:
    """And what cannot be decided."""

    @lifespan_resource(StateKey[expected]("it"), registry=registry)
    async def _it() -> AsyncGenerator[Any]:
        yield value

    async with Lifespan(registry) as state:
        assert state["it"] is value


@pytest.mark.parametrize(("expected", "value", "given", "promised"), MISFITS)
async def test_refuses_what_does_not_fit(
    expected: Any, value: object, given: str, promised: str, registry: Registry
) -> None:
    """The error names both places, and nothing of the value but its class."""
    declare: Any = lifespan_resource
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
        f"lifespan resource 'it' has a value of type {given}, not {promised}\n"
        f"    {here}  declare(key, registry=registry)(it)\n"
        f'    {promise}  key = StateKey[expected]("it")\n'
        f"Yield {promised}, or change the type that is promised."
    )
    assert closed == [value]
    assert not hasattr(caught.value, "__notes__")  # it has said all of it


async def test_refuses_what_the_annotation_does_not_promise(
    registry: Registry,
) -> None:
    """Where it was declared by name: then there is one place."""
    declare: Any = lifespan_resource

    def it() -> Iterator[Client]:
        yield 5  # type: ignore[misc]

    here = next_line()
    declare("it", registry=registry)(it)

    with pytest.raises(InvalidValue) as caught:
        await Lifespan(registry).__aenter__()

    # Annotations of this module are text, and Client is found in it.
    assert str(caught.value) == (
        f"lifespan resource 'it' has a value of type int, not {__name__}.Client\n"
        f'    {here}  declare("it", registry=registry)(it)\n'
        f"Yield {__name__}.Client, or change the type that is promised."
    )


async def test_the_type_of_a_key_precedes_that_of_the_annotation(
    registry: Registry,
) -> None:
    """The key is what views rely on."""

    @lifespan_resource(StateKey[Client]("it"), registry=registry)
    async def _it() -> AsyncGenerator[BetterClient]:
        yield Client()  # type: ignore[misc]

    async with Lifespan(registry) as state:
        assert type(state["it"]) is Client


async def test_a_class_that_enters_itself_is_checked(registry: Registry) -> None:
    """``-> Self`` is a promise."""

    @lifespan_resource("it", registry=registry)
    class _Pool:
        async def __aenter__(self) -> Self:
            return 5  # type: ignore[return-value]

        async def __aexit__(self, *_: object) -> None: ...

    with pytest.raises(InvalidValue):
        await Lifespan(registry).__aenter__()


class Other:
    """Of the same name as the class that is entered."""

    Pool = type("Pool", (), {})


class _Opened(Generic[T]):
    def __init__(self, value: T) -> None:
        self.value = value

    async def __aenter__(self) -> T:
        return self.value

    async def __aexit__(self, *_: object) -> None: ...


class Number(_Opened[int]):
    def __init__(self) -> None:
        super().__init__(5)


class Pool:
    async def __aenter__(self) -> Any:
        return Other.Pool()

    async def __aexit__(self, *_: object) -> None: ...


Number.__aenter__.__annotations__["return"] = T
Pool.__aenter__.__annotations__["return"] = Other.Pool


@pytest.mark.parametrize("factory", [Number, Pool])
async def test_a_class_that_enters_something_else_is_not_held_to_itself(
    factory: Any, registry: Registry
) -> None:
    """What it promises is a variable, or another class, also of the same name."""
    lifespan_resource("it", registry=registry)(factory)

    async with Lifespan(registry) as state:
        assert not isinstance(state["it"], factory)


async def test_a_class_whose_annotations_cannot_be_had_promises_nothing(
    registry: Registry,
) -> None:
    """Python 3.14 evaluates them when they are asked for (PEP 649)."""

    class Raising:
        def __get__(self, *_: object) -> object:
            raise NameError("of a type checker alone")

    class Entering:
        __annotations__ = Raising()  # type: ignore[assignment]

        async def __call__(self) -> int:
            return 5

    class _Pool:
        __aenter__ = Entering()

        async def __aexit__(self, *_: object) -> None: ...

    resource = lifespan_resource("it", registry=registry)(_Pool)  # type: ignore[call-overload]

    assert resource.value_type is None


async def test_a_key_that_names_it_as_a_need_is_checked_too(
    registry: Registry,
) -> None:
    """Two keys of one name may promise two types; the value has to be of both."""
    declare: Any = lifespan_resource
    key = StateKey[Client]("it")
    opened: list[object] = []

    @lifespan_resource("user", needs=(key,), registry=registry)
    async def _user(it: Client) -> AsyncGenerator[Client]:
        opened.append(it)
        yield it

    async def it() -> AsyncGenerator[int]:
        yield 5

    here = next_line()
    declare("it", registry=registry)(it)

    with pytest.raises(InvalidValue) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        f"lifespan resource 'it' has a value of type int, not {__name__}.Client\n"
        f'    {here}  declare("it", registry=registry)(it)\n'
        f"{key.declared_at.draw()}\n"
        f"Yield {__name__}.Client, or change the type that is promised."
    )
    assert opened == []


async def test_open_checks_the_value_too(registry: Registry) -> None:
    """A test that makes a resource finds what a start would find."""
    resource = lifespan_resource(StateKey[str]("it"), registry=registry)(lambda: box())

    with pytest.raises(InvalidValue):
        async with resource.open():
            pass


def box() -> Any:
    async def made() -> object:
        return Box(5)

    return made()


async def test_open_raises_what_the_block_raises(registry: Registry) -> None:
    """As it is, in the resource too."""
    seen: list[BaseException] = []

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        try:
            yield 1
        except ValueError as error:
            seen.append(error)
            raise

    error = ValueError("of the block")
    with pytest.raises(ValueError, match="of the block") as caught:
        async with it.open():
            raise error

    assert caught.value is error
    assert seen == [error]


async def test_a_return_where_a_yield_was_meant_says_so(registry: Registry) -> None:
    """It is a coroutine function then, which returns what it was to yield."""
    declare: Any = lifespan_resource

    async def it() -> AsyncGenerator[Client]:
        return Client()  # type: ignore[return-value]

    declare("it", registry=registry)(it)

    with pytest.raises(
        InvalidFactory, match="is annotated as a generator, and has no yield"
    ):
        await Lifespan(registry).__aenter__()
