"""Tests of connect_lifespan."""
