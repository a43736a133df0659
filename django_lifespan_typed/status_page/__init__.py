"""The status page for staff, and what it draws."""
