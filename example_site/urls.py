"""URLs of the library: pages, JSON, probes and pages for staff."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from django_lifespan_typed.views import status_page

from .library import api, reading_list, sources, views

api_patterns = [
    path("books/", api.books, name="books"),
    path("books/<int:number>/", api.book, name="book"),
    path("authors/", api.authors, name="authors"),
]

urlpatterns = [
    path("", views.search, name="search"),
    path("books/<int:number>/", views.book, name="book"),
    path("books/<int:number>/keep/", reading_list.Keep.as_view(), name="keep"),
    path("books/<int:number>/forget/", reading_list.Forget.as_view(), name="forget"),
    path("reading-list/", reading_list.index, name="reading_list"),
    path("authors/", views.authors, name="authors"),
    path("live/", views.live, name="live"),
    path("visits/", views.visits, name="visits"),
    path("source/<str:name>/", sources.source, name="source"),
    path("api/", include((api_patterns, "api"))),
    path("", include("django_lifespan_typed.urls")),
    path("lifespan/", status_page, name="lifespan-status"),
    path("admin/", admin.site.urls),
    # Browsers ask for it on pages that name no icon, such as JSON.
    path("favicon.ico", RedirectView.as_view(url=static("library/favicon.svg"))),
]

if "debug_toolbar" in settings.INSTALLED_APPS:
    urlpatterns.append(path("__debug__/", include("debug_toolbar.urls")))
