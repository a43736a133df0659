from django.http import HttpRequest, HttpResponse

from django_lifespan_typed import get_state

from .lifespan import warehouse


async def stock(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await get_state(request, warehouse).stock())
