from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse

from django_lifespan_typed import get_state

from .lifespan import greeter


def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(reverse("greet", args=["Emma"]))


async def greet(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(await get_state(request, greeter).greet(name))


urlpatterns = [path("", index), path("greet/<name>", greet, name="greet")]
