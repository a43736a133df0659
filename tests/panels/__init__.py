"""The debug toolbar's panel, under real servers."""
