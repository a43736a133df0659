"""Tests of management commands with a lifespan."""
