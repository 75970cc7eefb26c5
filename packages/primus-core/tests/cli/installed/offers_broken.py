"""A plugin whose library is missing."""

raise ImportError("the library underneath is missing")
