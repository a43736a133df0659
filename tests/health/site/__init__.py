"""A site with health probes, for real servers."""
