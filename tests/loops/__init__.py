"""Tests of several event loops, and of loops that come and go."""
