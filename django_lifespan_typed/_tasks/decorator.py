"""lifespan_task: the decorator that declares a background task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    ParamSpec,
    TypedDict,
    TypeVar,
    final,
    overload,
)

from .._compat import Unpack
from .._declare.keys import StateKey
from .._declare.location import Location, calling_location
from .._declare.registry import Registry, registry_or_default
from .lifespan_task import LifespanTask, Restart
from .validation import check_function, check_lock_name, check_name, check_options

if TYPE_CHECKING:
    from ..locks import Lock

P = ParamSpec("P")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")


class TaskOptions(TypedDict, total=False):
    """The options that every overload of ``lifespan_task`` takes."""

    registry: Registry | None
    exclusive: Lock | None
    restart: Restart
    backoff: tuple[float, float]
    every: float | None
    stop_timeout: float | None
    optional: bool


@final
class TaskDeclaration(Generic[P]):
    """Decorates the function of a background task; *P* is its dependencies' values."""

    def __init__(
        self,
        name: str,
        needs: tuple[StateKey[Any], ...],
        options: TaskOptions,
        location: Location,
    ) -> None:
        check_name(name, needs, location)
        check_options(name, options, location)
        self._name = name
        self._needs = needs
        self._options = options
        self._location = location
        self._registry = registry_or_default(options.get("registry"))

    def __call__(self, function: Callable[P, Awaitable[object]], /) -> LifespanTask[P]:
        check_function(self._name, function, self._needs, self._location)
        options: Any = {**self._options}
        options.pop("registry", None)
        task = LifespanTask(
            self._name, function, needs=self._needs, location=self._location, **options
        )
        check_lock_name(task, self._registry)
        self._registry.add(task)
        return task


@overload
def lifespan_task(
    name: str, /, *, needs: tuple[()] = ..., **options: Unpack[TaskOptions]
) -> TaskDeclaration[[]]: ...
@overload
def lifespan_task(
    name: str, /, *, needs: tuple[StateKey[A]], **options: Unpack[TaskOptions]
) -> TaskDeclaration[[A]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B]],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C]],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B, C]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D]],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B, C, D]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E]],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B, C, D, E]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A], StateKey[B], StateKey[C], StateKey[D], StateKey[E], StateKey[F]
    ],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B, C, D, E, F]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A],
        StateKey[B],
        StateKey[C],
        StateKey[D],
        StateKey[E],
        StateKey[F],
        StateKey[G],
    ],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B, C, D, E, F, G]]: ...
@overload
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[
        StateKey[A],
        StateKey[B],
        StateKey[C],
        StateKey[D],
        StateKey[E],
        StateKey[F],
        StateKey[G],
        StateKey[H],
    ],
    **options: Unpack[TaskOptions],
) -> TaskDeclaration[[A, B, C, D, E, F, G, H]]: ...
def lifespan_task(
    name: str,
    /,
    *,
    needs: tuple[StateKey[Any], ...] = (),
    **options: Unpack[TaskOptions],
) -> object:
    """
    Declare a background task: an async function that runs while a server runs::

        @lifespan_task("rates", needs=(httpx_client,), every=60)
        async def refresh_rates(client: httpx.AsyncClient) -> None:
            await Rates.objects.aupdate(**await fetch(client))

    It starts after its dependencies and does not delay the startup. At shutdown it is
    cancelled and awaited before its dependencies shut down. Each run has a context of
    its own.

    It runs under the servers, or, with ``LIFESPAN["TASKS"] = "command"``, under
    ``manage.py lifespan run`` only. Other lifespans (tests, commands, Celery) run the
    tasks that ``Lifespan(only=...)`` names.

    :param name: the task's name; ``get_state`` returns its ``TaskRecord``.
    :param needs: the dependencies, a tuple of up to eight keys or resources. Their
        values are passed to the function as positional arguments.
    :param registry: the ``Registry`` to add it to; None for the default one.
    :param exclusive: a lock of ``django_lifespan_typed.locks``: of all processes, the
        one that holds it runs the task. None to run it in each process.
    :param restart: when it runs again after it has ended: ``"on_failure"``,
        ``"always"`` or ``"never"``. A failure after which it does not run again is a
        crash: readiness fails.
    :param backoff: the first and the longest wait before a restart, in seconds; each
        wait is twice as long as the one before, varied by a fifth, until a run has
        lasted a minute.
    :param every: seconds from the beginning of a run to that of the next, which waits
        for the end of the one before, whether or not it fails. None to run once.
    :param stop_timeout: seconds that it may take to end at shutdown; None for
        ``LIFESPAN["STOP_TIMEOUT"]``.
    :param optional: True to stay ready when it has crashed.
    :return: a decorator that returns the ``LifespanTask``, which is a key for views.

    Raises ``InvalidDeclaration`` for arguments that cannot work, and
    ``DuplicateName`` if the registry has a resource of that name.
    """
    return TaskDeclaration(name, needs, options, calling_location())
