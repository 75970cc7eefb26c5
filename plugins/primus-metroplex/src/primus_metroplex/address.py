"""Where the other servers reach this one, when the options do not say so."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

__all__ = ["derived"]


def derived(primus: Any) -> str | None:
    """The address of a Primus that has a server of its own which listens; `None` for any other.

    A server that listens on every interface is reached by the address that this machine has in
    its network.
    """
    host = getattr(primus, "host", None)  # which a Primus that is still being made has not
    listening = None if host is None else host.listening
    if listening is None:
        return None
    url, port = listening
    parts = urlsplit(url)
    name = parts.netloc.rpartition(":")[0]
    return f"{parts.scheme}://{_machine() if name == 'localhost' else name}:{port}"


def _machine() -> str:
    """The address that packets to the network leave from. None is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address that no machine has
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
