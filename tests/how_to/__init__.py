"""Tests of the how-to pages, followed to the letter."""
