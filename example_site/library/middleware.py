"""Answers 502 with advice if the book service fails."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from django_lifespan_typed import get_state

from .catalogue import BookServiceError
from .keys import BOOK_SERVICE


class BookServiceErrorMiddleware(MiddlewareMixin):
    """Handles `BookServiceError` for every view."""

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer a `BookServiceError`; leave other exceptions to Django."""
        if not isinstance(exception, BookServiceError):
            return None

        said = {
            "error": str(exception),
            "advice": get_state(request, BOOK_SERVICE).advice,
        }
        if request.resolver_match and request.resolver_match.namespace == "api":
            return JsonResponse(said, status=HTTPStatus.BAD_GATEWAY)
        return render(
            request,
            "library/book_service_error.html",
            said,
            status=HTTPStatus.BAD_GATEWAY,
        )
