"""The how-to pages, followed to the letter."""
