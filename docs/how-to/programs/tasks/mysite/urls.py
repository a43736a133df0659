from django.http import HttpRequest, JsonResponse
from django.urls import path

from .tasks import greet


async def enqueue(request: HttpRequest, name: str) -> JsonResponse:
    result = await greet.aenqueue(name)
    return JsonResponse({"status": result.status, "greeting": result.return_value})


urlpatterns = [path("greet/<name>", enqueue)]
