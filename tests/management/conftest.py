"""The command in this process, for the resources of the test."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any, TypeAlias

import pytest
from django.core.management import call_command

from django_lifespan_typed import Registry
from django_lifespan_typed.management.commands.lifespan import Command
from tests.journaling import add

__all__ = ["add"]

Call: TypeAlias = Callable[..., str]


@pytest.fixture
def call(registry: Registry) -> Call:
    """Calls the command for ``registry``, and returns what it writes to stdout."""

    class OwnCommand(Command):
        pass

    OwnCommand.registry = registry

    def call(*arguments: str, **options: Any) -> str:
        out = options.setdefault("stdout", StringIO())
        call_command(OwnCommand(), *arguments, **options)
        return str(out.getvalue())

    return call
