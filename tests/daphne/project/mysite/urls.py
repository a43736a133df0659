"""URLs of the scratch project."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("async", views.in_async_view),
    path("sync", views.in_sync_view),
    path("held", views.held),
    path("held-in-thread", views.held_in_thread),
    path("modules", views.modules),
    path("pid", views.pid),
]
