"""A broker in a folder, which one process reads or writes at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from functools import wraps
from typing import Any

from kombu.transport import filesystem


def alone(method: Callable[..., Any]) -> Callable[..., Any]:
    """Hold a lock on the folder during *method*."""

    @wraps(method)
    def holding(self: filesystem.Channel, *args: Any, **kwargs: Any) -> Any:
        with (self.control_folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                return method(self, *args, **kwargs)
            finally:
                # Not by closing the file: a child that was forked meanwhile, by
                # another thread of the worker, still has it open.
                fcntl.flock(lock, fcntl.LOCK_UN)

    return holding


class Channel(filesystem.Channel):
    """
    Kombu's channel opens a file before it locks it. A process that takes a message
    in between reads an empty file and loses the message.
    """

    _put = alone(filesystem.Channel._put)
    _get = alone(filesystem.Channel._get)
    _delete = alone(filesystem.Channel._delete)
    _queue_bind = alone(filesystem.Channel._queue_bind)
    get_table = alone(filesystem.Channel.get_table)


class Transport(filesystem.Transport):
    """The transport in the settings."""

    Channel = Channel
