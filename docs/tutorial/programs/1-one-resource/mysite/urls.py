from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import visits_file


async def index(request: HttpRequest, name: str) -> HttpResponse:
    file = get_state(request, visits_file)
    file.write(f"{name}\n")
    return HttpResponse(f"Hello {name}.\n")


urlpatterns = [path("<str:name>/", index)]
