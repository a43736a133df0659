"""The example site: what a reader copies has to work."""
