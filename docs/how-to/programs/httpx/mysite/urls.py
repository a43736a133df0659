from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import httpx_client


async def book(request: HttpRequest, isbn: str) -> HttpResponse:
    answer = await get_state(request, httpx_client).get(f"/books/{isbn}")
    return HttpResponse(answer.text, status=answer.status_code)


def book_in_sync_code(request: HttpRequest, isbn: str) -> HttpResponse:
    client = get_state(request, httpx_client)
    answer = async_to_sync(client.get)(f"/books/{isbn}")
    return HttpResponse(answer.text, status=answer.status_code)


urlpatterns = [
    path("books/<slug:isbn>", book),
    path("sync/<slug:isbn>", book_in_sync_code),
]
