"""Registration of context managers, as in django-asgi-lifespan."""

from __future__ import annotations

from ._declare.location import calling_location
from ._declare.registry import ManagerFactory, Registry, registry_or_default

__all__ = ["register_lifespan_manager"]


def register_lifespan_manager(
    *, context_manager: ManagerFactory, registry: Registry | None = None
) -> None:
    """
    Register a callable that makes an async context manager of names and values::

        @asynccontextmanager
        async def clients() -> LifespanManager:
            async with httpx.AsyncClient() as client:
                yield {"httpx_client": client}

        register_lifespan_manager(context_manager=clients)

    Managers start concurrently, and stop one after the other, the last that was
    registered first. Registered again, one still opens once. Raises
    ``InvalidDeclaration`` for what cannot be called. ``@lifespan_resource`` is the
    typed way.
    """
    target = registry_or_default(registry)
    target.add_manager(context_manager, calling_location())
