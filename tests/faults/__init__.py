"""Generated failures: thousands of lifespans in which anything goes wrong."""
