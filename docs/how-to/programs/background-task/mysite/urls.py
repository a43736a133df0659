from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import rates, refresh_rates


async def show(request: HttpRequest) -> JsonResponse:
    record = get_state(request, refresh_rates)
    return JsonResponse(
        {
            "rates": get_state(request, rates).latest,
            "refreshed": record.last_run,  # None before the first run
        }
    )


urlpatterns = [
    path("rates", show),
    path("", include("django_lifespan_typed.urls")),  # livez, readyz
]
