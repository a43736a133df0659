"""URLs of the site."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("async", views.in_async_view),
    path("sync", views.in_sync_view),
    path("to-sync", views.in_async_to_sync),
    path("held", views.held),
]
