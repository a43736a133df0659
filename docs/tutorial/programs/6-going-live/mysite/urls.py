from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .keys import GUEST_BOOK


async def index(request: HttpRequest, name: str) -> HttpResponse:
    book = get_state(request, GUEST_BOOK)
    number = book.sign(name)
    return HttpResponse(f"Hello {name}, you are visitor {number}.\n")


urlpatterns = [
    path("", include("django_lifespan_typed.urls")),
    path("<str:name>/", index),
]
