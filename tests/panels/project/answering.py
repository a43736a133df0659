"""A panel that answers a request itself: inner panels never see the request."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from debug_toolbar.panels import Panel
from django.http import HttpRequest, HttpResponse

ANSWER = "<html><body>Answered.</body></html>"


class AnsweringPanel(Panel):
    is_async = True
    title = nav_title = "Answering"
    has_content = False
    is_awaited = False

    async def aenable_instrumentation(self) -> None:
        self.is_awaited = True

    def process_request(self, request: HttpRequest) -> Any:
        if request.path != "/answered":
            return super().process_request(request)
        if self.is_awaited:
            return sync_to_async(HttpResponse)(ANSWER)
        return HttpResponse(ANSWER)
