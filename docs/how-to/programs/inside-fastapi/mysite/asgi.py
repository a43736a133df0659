import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request

from django_lifespan_typed import get_state, run_asgi_lifespan
from django_lifespan_typed.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

# Comes first: it sets Django up, and the imports below may import models.
django_application = get_asgi_application()

from .guests import guest_book  # noqa: E402
from .lifespan import greeter  # noqa: E402


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    async with guest_book() as guests, run_asgi_lifespan(django_application) as state:
        yield {**state, "guests": guests}


application = FastAPI(lifespan=lifespan)


@application.get("/api/greet/{name}")
async def greet(request: Request, name: str) -> dict[str, Any]:
    guests: list[str] = request.state.guests
    guests.append(name)
    greeting = await get_state(request, greeter).greet(name)
    return {"greeting": greeting, "guests": guests}


# Comes last: it receives every path that no route above matches.
application.mount("/", django_application)
