"""The command in this process, for the resources of the test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from io import StringIO
from typing import Any, TypeAlias

import pytest
from django.core.management import call_command

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource
from django_lifespan_typed.management.commands.lifespan import Command

Call: TypeAlias = Callable[..., str]
Declare: TypeAlias = Callable[..., Resource[str]]


@pytest.fixture
def declare(registry: Registry) -> Declare:
    """Declares a resource of ``registry``."""

    def declare(
        name: str, *needs: StateKey[str], fails: bool = False, **options: Any
    ) -> Resource[str]:
        @lifespan_resource(name, needs=needs, registry=registry, **options)
        async def resource(*_: str) -> AsyncGenerator[str]:
            if fails:
                raise OSError(f"no {name}")
            yield name

        declared: Resource[str] = resource
        return declared

    return declare


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
