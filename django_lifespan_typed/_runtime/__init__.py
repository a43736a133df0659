"""One lifespan on one event loop."""
