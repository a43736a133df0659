"""Tests of the WSGI handler, each in a process of its own, whose end closes all."""
