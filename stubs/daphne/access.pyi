from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

class AccessLogGenerator:
    stream: TextIO

    def __init__(self, stream: TextIO) -> None: ...
    def __call__(
        self, protocol: str, action: str, details: Mapping[str, Any]
    ) -> None: ...
    def write_entry(
        self,
        host: str,
        date: datetime,
        request: str,
        status: int | None = None,
        length: int | None = None,
        ident: str | None = None,
        user: str | None = None,
    ) -> None: ...
