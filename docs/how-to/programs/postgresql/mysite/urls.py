from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import pool


async def answer(request: HttpRequest) -> JsonResponse:
    # A transaction: committed at the end of the block, rolled back by an exception.
    async with get_state(request, pool).connection() as connection:
        cursor = await connection.execute("SELECT pg_backend_pid(), %s::int + 1", [41])
        backend, number = await cursor.fetchone() or (None, None)
    return JsonResponse({"backend": backend, "answer": number})


urlpatterns = [
    path("answer", answer),
    path("", include("django_lifespan_typed.urls")),
]
