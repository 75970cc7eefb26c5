"""Where names for connections are made: public ids of sparks, and secret keys of sessions.

The two are never the same. An application publishes ``spark.id``; a peer that knows the key of
a session that is carried by requests can post in its name and read what is sent to it.
"""

from __future__ import annotations

import secrets
from typing import Final

__all__ = ["new_key", "new_spark_id"]

BYTES: Final = 16
"""128 random bits, which are 22 characters."""


def new_key() -> str:
    """A secret by which the requests of a session are known; never shown, never logged."""
    return secrets.token_urlsafe(BYTES)


def new_spark_id() -> str:
    """An id for a spark. It may be published."""
    return secrets.token_urlsafe(BYTES)
