from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .keys import CATALOGUE


async def index(request: HttpRequest, title: str) -> HttpResponse:
    price = await get_state(request, CATALOGUE).price(title)
    if price is None:
        raise Http404
    return HttpResponse(f"{title} costs {price}.\n")


urlpatterns = [path("<slug:title>/", index)]
