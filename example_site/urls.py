"""Addresses of the library: pages for people, JSON for programs."""

from __future__ import annotations

from django.urls import include, path

from .library import api, views

api_patterns = [
    path("books/", api.books, name="books"),
    path("books/<int:number>/", api.book, name="book"),
    path("authors/", api.authors, name="authors"),
]

urlpatterns = [
    path("", views.search, name="search"),
    path("books/<int:number>/", views.book, name="book"),
    path("authors/", views.authors, name="authors"),
    path("visits/", views.visits, name="visits"),
    path("api/", include((api_patterns, "api"))),
]
