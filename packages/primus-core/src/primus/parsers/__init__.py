"""The parsers that come with the core."""
