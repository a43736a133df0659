from collections.abc import Callable
from typing import Any

class Signal:
    def connect(
        self,
        receiver: Callable[..., Any],
        sender: object = ...,
        weak: bool = ...,
        dispatch_uid: str | None = ...,
    ) -> Any: ...

worker_init: Signal
worker_process_init: Signal
worker_process_shutdown: Signal
worker_shutdown: Signal
task_prerun: Signal
