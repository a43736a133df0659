from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import prices


# Not async: Django runs it in a thread, so it does not block the event loop.
def price(request: HttpRequest, isbn: str) -> HttpResponse:
    found = get_state(request, prices).of(isbn)
    if found is None:
        raise Http404
    return HttpResponse(found)


urlpatterns = [path("prices/<isbn>", price)]
