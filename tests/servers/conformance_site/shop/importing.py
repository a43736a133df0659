"""The application of a site that imports uvicorn, whoever serves it."""

from __future__ import annotations

import uvicorn

from .asgi import application

__all__ = ["application", "uvicorn"]
