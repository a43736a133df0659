"""register_lifespan_manager, as in django-asgi-lifespan."""

from __future__ import annotations

from ._declare.location import calling_location
from ._declare.registry import ManagerFactory, Registry, registry_or_default

__all__ = ["register_lifespan_manager"]


def register_lifespan_manager(
    *, context_manager: ManagerFactory, registry: Registry | None = None
) -> None:
    """
    Register a callable that returns an async context manager of a mapping::

        @asynccontextmanager
        async def clients() -> LifespanManager:
            async with httpx.AsyncClient() as client:
                yield {"httpx_client": client}

        register_lifespan_manager(context_manager=clients)

    The mapping adds its names and values to the lifespan state. Managers start
    concurrently and shut down one after another, in reverse order of registration. A
    manager that is registered again opens once. ``@lifespan_resource`` is the typed
    alternative.

    :param context_manager: a function decorated with ``@asynccontextmanager``.
    :param registry: the ``Registry`` to add it to; None for the default one.

    Raises ``InvalidDeclaration`` if the function cannot be called.
    """
    target = registry_or_default(registry)
    target.add_manager(context_manager, calling_location())
