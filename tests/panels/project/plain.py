"""Django's own WSGI application, which knows no lifespan."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
