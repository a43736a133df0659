from typing import Any

from celery import signals as signals

class Celery:
    conf: Any
    def __init__(self, main: str | None = ..., *args: Any, **kwargs: Any) -> None: ...
