"""The servers that are measured: each prints its port, then serves until it is ended."""
