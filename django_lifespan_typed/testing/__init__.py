"""Test tools: overrides, and clients and a test case with a running lifespan."""

from .clients import LifespanAsyncClient, LifespanAwareAsyncClient, LifespanClient
from .overriding import OverrideState, override_state
from .runner import LifespanTestRunner
from .test_case import LifespanTestCase

__all__ = [
    "LifespanAsyncClient",
    "LifespanAwareAsyncClient",
    "LifespanClient",
    "LifespanTestCase",
    "LifespanTestRunner",
    "OverrideState",
    "override_state",
]
