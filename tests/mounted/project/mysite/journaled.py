"""The application in a middleware that tells the tests what arrives."""

from __future__ import annotations

from tests.processes import journaled

from .asgi import application as inner

application = journaled(inner)
