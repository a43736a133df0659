"""The commands, found by Django."""
