"""URLs of the site."""

from django.urls import path
from library.views import book

urlpatterns = [path("book", book)]
