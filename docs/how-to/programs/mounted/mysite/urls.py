from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import greeter


async def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await get_state(request, greeter).greet("Django"))


urlpatterns = [path("", index)]
