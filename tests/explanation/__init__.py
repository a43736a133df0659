"""Tests of the pages of explanation."""
