"""What a project declares: keys, resources and their registry."""
