import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, TypeAlias, TypedDict, type_check_only

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure

_Message: TypeAlias = MutableMapping[str, Any]
_Scope: TypeAlias = MutableMapping[str, Any]
_Application: TypeAlias = Callable[
    [Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]],
    Awaitable[object],
]
_ActionLogger: TypeAlias = Callable[[str, str, dict[str, Any]], object]

# The protocols are Daphne's own (Twisted requests, Autobahn connections).
_Protocol: TypeAlias = Any

@type_check_only
class _Connection(TypedDict, total=False):
    connected: float
    disconnected: float
    application_instance: asyncio.Future[object]

logger: logging.Logger
twisted_loop: asyncio.AbstractEventLoop

# The reactor that was there before; None where there was none.
current_reactor: object | None

# What the module installed, or found installed, when it was imported.
reactor: AsyncioSelectorReactor

class Server:
    application: _Application
    endpoints: Sequence[str]
    listeners: list[Deferred[IListeningPort]]
    listening_addresses: list[tuple[str, int]]
    signal_handlers: bool
    action_logger: _ActionLogger | None
    http_timeout: float | None
    ping_interval: float
    ping_timeout: float
    request_buffer_size: int
    proxy_forwarded_address_header: str | None
    proxy_forwarded_port_header: str | None
    proxy_forwarded_proto_header: str | None
    websocket_timeout: float
    websocket_connect_timeout: float
    websocket_handshake_timeout: float
    websocket_max_message_size: int
    websocket_max_frame_size: int
    application_close_timeout: float
    root_path: str
    verbosity: int
    abort_start: bool
    ready_callable: Callable[[], object] | None
    server_name: str

    # Set by run().
    connections: dict[_Protocol, _Connection]
    http_factory: Any
    ws_factory: Any

    def __init__(
        self,
        application: _Application,
        endpoints: Sequence[str] | None = None,
        signal_handlers: bool = True,
        action_logger: _ActionLogger | None = None,
        http_timeout: float | None = None,
        request_buffer_size: int = 8192,
        websocket_timeout: float = 86400,
        websocket_connect_timeout: float = 20,
        ping_interval: float = 20,
        ping_timeout: float = 30,
        root_path: str = "",
        proxy_forwarded_address_header: str | None = None,
        proxy_forwarded_port_header: str | None = None,
        proxy_forwarded_proto_header: str | None = None,
        verbosity: int = 1,
        websocket_handshake_timeout: float = 5,
        websocket_max_message_size: int = 1048576,
        websocket_max_frame_size: int = 1048576,
        application_close_timeout: float = 10,
        ready_callable: Callable[[], object] | None = None,
        server_name: str = "daphne",
    ) -> None: ...
    def run(self) -> None: ...
    def listen_success(self, port: IListeningPort) -> None: ...
    def listen_error(self, failure: Failure) -> None: ...
    def stop(self) -> None: ...
    def protocol_connected(self, protocol: _Protocol) -> None: ...
    def protocol_disconnected(self, protocol: _Protocol) -> None: ...
    def create_application(
        self, protocol: _Protocol, scope: _Scope
    ) -> asyncio.Queue[_Message] | None: ...
    async def handle_reply(self, protocol: _Protocol, message: _Message) -> None: ...
    @staticmethod
    def check_headers_type(message: _Message) -> None: ...
    def application_checker(self) -> None: ...
    def kill_all_applications(self) -> Deferred[Any]: ...
    def timeout_checker(self) -> None: ...
    def log_action(
        self, protocol: str, action: str, details: dict[str, Any]
    ) -> None: ...
