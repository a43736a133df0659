"""
One project for all tests with real servers, which run in this folder.

``APPS`` (environment) names the installed apps, and the first of them has the URLs:
``shop`` (the default), ``warehouse`` (WSGI), ``mounts`` (FastAPI and MCP) or
``probes`` (health).
"""
