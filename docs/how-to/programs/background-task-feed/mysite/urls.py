from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from .models import Price


async def prices(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {price.isbn: price.value async for price in Price.objects.all()}
    )


urlpatterns = [
    path("prices", prices),
    path("", include("django_lifespan_typed.urls")),
]
