import logging
from argparse import Action, ArgumentParser
from collections.abc import Sequence
from typing import Any, Final

from daphne.server import Server

logger: logging.Logger

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000

class CommandLineInterface:
    description: str
    server_class: type[Server]
    parser: ArgumentParser
    arg_proxy_host: Action
    arg_proxy_port: Action
    server: Server | None

    def __init__(self) -> None: ...
    @classmethod
    def entrypoint(cls) -> None: ...
    def load_asgi_app(self, asgi_app_path: str) -> Any: ...
    def run(self, args: Sequence[str]) -> None: ...
