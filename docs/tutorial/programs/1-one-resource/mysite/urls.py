from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import http_client


async def index(request: HttpRequest, title: str) -> HttpResponse:
    client = get_state(request, http_client)
    answer = await client.get(f"/{title}.txt")
    if not answer.is_success:
        raise Http404
    return HttpResponse(f"{title} costs {answer.text.strip()}.\n")


urlpatterns = [path("<slug:title>/", index)]
