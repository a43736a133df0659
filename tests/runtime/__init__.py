"""Tests of a running lifespan."""
