"""The application of a site that mounts what imports uvicorn, as the MCP SDK does."""

from __future__ import annotations

import uvicorn

from .asgi import application

__all__ = ["application", "uvicorn"]
