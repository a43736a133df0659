"""Declarations of a project: keys, resources, their registry and their plan."""
