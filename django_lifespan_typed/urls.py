"""The health probes: ``path("", include("django_lifespan_typed.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from .views import livez, readyz

app_name = "lifespan"

# With a slash and without one: who probes may not follow a redirect.
urlpatterns: list[URLPattern] = [
    re_path(r"^livez/?\Z", livez, name="livez"),
    re_path(r"^readyz/?\Z", readyz, name="readyz"),
]
