import sys
from collections.abc import AsyncGenerator

from django_lifespan_typed import Lifespan, lifespan_resource


@lifespan_resource("cache")
async def cache() -> AsyncGenerator[dict[str, str]]:
    yield {}
    sys.exit("enough")


with Lifespan():
    pass
