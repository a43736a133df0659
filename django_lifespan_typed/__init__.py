"""Typed, long-lived resources on Django's ASGI lifespan."""

from ._asgi.mounted import run_asgi_lifespan
from ._declare.decorator import lifespan_resource
from ._declare.keys import StateKey
from ._declare.registry import Registry
from ._declare.resources import Resource
from ._runtime.lifespan import Lifespan
from ._runtime.lookup import current_lifespan, current_state, get_state
from ._runtime.state import LifespanRequest, LifespanState
from ._tasks.decorator import lifespan_task
from ._tasks.lifespan_task import LifespanTask
from ._tasks.record import TaskRecord

__all__ = [
    "Lifespan",
    "LifespanRequest",
    "LifespanState",
    "LifespanTask",
    "Registry",
    "Resource",
    "StateKey",
    "TaskRecord",
    "current_lifespan",
    "current_state",
    "get_state",
    "lifespan_resource",
    "lifespan_task",
    "run_asgi_lifespan",
]

__version__ = "0.1.0"
