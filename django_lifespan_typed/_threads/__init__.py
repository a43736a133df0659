"""Event loops and threads for sync code."""
