from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.urls import path

from .books import title_of


async def book(request: HttpRequest, isbn: str) -> HttpResponse:
    return HttpResponse(await title_of(isbn))


def price(request: HttpRequest, isbn: str) -> HttpResponse:
    prices = apps.get_app_config("mysite").prices
    return HttpResponse(prices[isbn])


urlpatterns = [path("books/<str:isbn>", book), path("prices/<str:isbn>", price)]
