"""The client: `Socket`, and what it is made of."""
