import logging
from collections.abc import Mapping
from typing import Any

from daphne.server import Server
from django.core.management.commands.runserver import Command as RunserverCommand

logger: logging.Logger

def get_default_application() -> Any: ...

class Command(RunserverCommand):
    protocol: str
    # Not a WSGIServer, as Django's is.
    server_cls: type[Server]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]  # ty: ignore[incompatible-attribute-override]

    # Set by handle().
    http_timeout: int | None
    websocket_handshake_timeout: int
    websocket_max_message_size: int
    websocket_max_frame_size: int

    def get_application(self, options: Mapping[str, Any]) -> Any: ...
    def log_action(
        self, protocol: str, action: str, details: dict[str, Any]
    ) -> None: ...
