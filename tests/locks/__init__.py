"""Tests of the locks for background tasks."""
