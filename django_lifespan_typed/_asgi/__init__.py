"""One lifespan for one ASGI server."""
