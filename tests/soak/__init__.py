"""Soak tests: real connections under load, recycling, reloads and many lifespans."""
