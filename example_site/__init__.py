"""An example site: a small library of books, on typed lifespan resources."""
