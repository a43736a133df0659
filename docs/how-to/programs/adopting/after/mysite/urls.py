from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .books import title_of
from .lifespan import prices


async def book(request: HttpRequest, isbn: str) -> HttpResponse:
    return HttpResponse(await title_of(isbn))


def price(request: HttpRequest, isbn: str) -> HttpResponse:
    return HttpResponse(get_state(request, prices)[isbn])


urlpatterns = [path("books/<str:isbn>", book), path("prices/<str:isbn>", price)]
