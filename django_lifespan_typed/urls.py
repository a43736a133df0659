"""URLs of the health probes: ``path("", include("django_lifespan_typed.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from .views import livez, readyz

app_name = "lifespan"

# Both with and without a slash: a probe may not follow redirects.
urlpatterns: list[URLPattern] = [
    re_path(r"^livez/?\Z", livez, name="livez"),
    re_path(r"^readyz/?\Z", readyz, name="readyz"),
]
