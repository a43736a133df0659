import asyncio

from django_lifespan_typed.asgi import get_asgi_application

application = get_asgi_application()
events = iter(["lifespan.startup", "lifespan.startup"])


async def receive() -> dict[str, object]:
    return {"type": next(events)}


async def send(message: object) -> None:
    """A server would read it."""


asyncio.run(application({"type": "lifespan"}, receive, send))
