"""Tests of lifespans under WSGI, in process and with real servers."""
