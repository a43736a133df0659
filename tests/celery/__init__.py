"""Tests of lifespans in Celery workers."""
