import multiprocessing
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from multiprocessing.queues import Queue
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event, Lock
from types import TracebackType
from typing import Any, ClassVar, TypeAlias

from daphne.server import Server
from typing_extensions import Self

_Application: TypeAlias = Callable[
    [Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]],
    Awaitable[object],
]
_Message: TypeAlias = MutableMapping[str, Any]

class BaseDaphneTestingInstance:
    startup_timeout: float
    xff: bool
    http_timeout: float | None
    host: str
    request_buffer_size: int | None
    websocket_max_message_size: int | None
    websocket_max_frame_size: int | None
    application: _Application

    # Set by __enter__.
    process: DaphneProcess
    port: int

    def __init__(
        self,
        xff: bool = False,
        http_timeout: float | None = None,
        request_buffer_size: int | None = None,
        websocket_max_message_size: int | None = None,
        websocket_max_frame_size: int | None = None,
        *,
        application: _Application,
    ) -> None: ...
    def get_application(self) -> _Application: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
    def process_setup(self) -> None: ...
    def process_teardown(self) -> None: ...
    def get_received(self) -> Any: ...

class DaphneTestingInstance(BaseDaphneTestingInstance):
    lock: Lock

    def __init__(
        self,
        xff: bool = False,
        http_timeout: float | None = None,
        request_buffer_size: int | None = None,
        websocket_max_message_size: int | None = None,
        websocket_max_frame_size: int | None = None,
    ) -> None: ...
    def get_received(self) -> tuple[dict[str, Any], list[_Message]]: ...
    def add_send_messages(self, messages: Iterable[_Message]) -> None: ...

class DaphneProcess(multiprocessing.Process):
    host: str
    get_application: Callable[[], _Application]
    kwargs: Mapping[str, Any]
    setup: Callable[[], object] | None
    teardown: Callable[[], object] | None
    port: Synchronized[int]
    ready: Event
    errors: Queue[tuple[BaseException, str]]

    # Set by run(), in the child.
    server: Server

    def __init__(
        self,
        host: str,
        get_application: Callable[[], _Application],
        kwargs: Mapping[str, Any] | None = None,
        setup: Callable[[], object] | None = None,
        teardown: Callable[[], object] | None = None,
        port: int | None = None,
    ) -> None: ...
    def run(self) -> None: ...
    def resolve_port(self) -> None: ...

class TestApplication:
    setup_storage: ClassVar[str]
    result_storage: ClassVar[str]
    lock: Lock
    messages: list[_Message]
    scope: MutableMapping[str, Any]

    def __init__(self, lock: Lock) -> None: ...
    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None: ...
    @classmethod
    def save_setup(cls, response_messages: Iterable[_Message]) -> None: ...
    @classmethod
    def load_setup(cls) -> dict[str, Any]: ...
    @classmethod
    def save_result(
        cls, scope: MutableMapping[str, Any], messages: list[_Message]
    ) -> None: ...
    @classmethod
    def save_exception(cls, exception: BaseException) -> None: ...
    @classmethod
    def load_result(cls) -> dict[str, Any]: ...
    @classmethod
    def delete_setup(cls) -> None: ...
    @classmethod
    def delete_result(cls) -> None: ...
