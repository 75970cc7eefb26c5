"""Where names for connections are made: public ids of sparks, and secret keys of sessions.

The two are never the same. An application publishes ``spark.id``; a peer that knows the key of
a session that is carried by requests can post in its name and read what is sent to it.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from binascii import b2a_base64
from typing import Final

__all__ = ["new_key", "new_node", "new_spark_id", "node_of"]

BYTES: Final = 16
"""128 random bits, which are 22 characters."""
LENGTH: Final = 22
"""Characters of the random part of an id, of 6 bits each."""
GROUP: Final = 24
"""Characters that 18 random bytes become; an id is the first of them."""
AT_ONCE: Final = 64
"""How many ids are made at once."""
URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
NODE_BYTES: Final = 6
"""Random bytes of the name of a server, which are 12 characters."""


def new_key(node: str = "") -> str:
    """A secret by which the requests of a session are known; never shown, never logged.

    Args:
        node: the name of the server, which the key begins with, so that a load balancer or another
            process knows whose session it is; empty for a key without.
    """
    random = urlsafe_b64encode(os.urandom(BYTES)).rstrip(b"=").decode()
    return f"{node}-{random}" if node else random


def new_node() -> str:
    """A name for a server that was given none."""
    return os.urandom(NODE_BYTES).hex()


def new_spark_id(node: str = "") -> str:
    """An id for a spark. It may be published.

    Args:
        node: the name of the server, which the id begins with; empty for an id without.
    """
    try:
        random = _pool.pop()
    except IndexError:  # asked for rather than looked at: other threads take from it, too
        fresh = _randoms()
        random = fresh.pop()
        _pool.extend(fresh)
    return f"{node}-{random}" if node else random


_pool: list[str] = []
"""Random parts of ids to come. Keys are made when they are needed: they are secrets."""

if hasattr(os, "register_at_fork"):  # pragma: no branch - Windows does not fork
    os.register_at_fork(after_in_child=_pool.clear)  # no two processes give the same


def _randoms() -> list[str]:
    """Random parts of ids, all by one question to the system."""
    bits = os.urandom(GROUP * 3 // 4 * AT_ONCE)
    text = b2a_base64(bits, newline=False).translate(URL_SAFE).decode()
    return [text[at : at + LENGTH] for at in range(0, len(text), GROUP)]


def node_of(id: str) -> str:
    """The name of the server that an id begins with; empty when it has none.

    An id that the application made itself may begin with something else.
    """
    node, separator, _ = id.partition("-")
    return node if separator else ""
