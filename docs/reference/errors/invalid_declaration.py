from collections.abc import AsyncGenerator

from django_lifespan_typed import lifespan_resource


@lifespan_resource("cache", start_timeout=0)
async def cache() -> AsyncGenerator[dict[str, str]]:
    yield {}
