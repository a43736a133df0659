"""The fault machine: thousands of lifespans in which all that can go wrong does."""
