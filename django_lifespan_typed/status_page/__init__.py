"""The status page for staff."""
