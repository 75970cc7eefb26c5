"""Whether the machine is online, and what tells a client when that changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from primus.client.address import Address, is_loopback
from primus.errors import OptionError

__all__ = ["Network", "Subscription", "watch"]


class Subscription(Protocol):
    """What `Network.subscribe` gives."""

    def close(self) -> None:
        """Tell no more."""


@runtime_checkable
class Network(Protocol):
    """What the option ``network`` takes in place of the machine's own network."""

    def subscribe(self, changed: Callable[[bool], Any]) -> Subscription:
        """Call ``changed(online)`` on the event loop whenever the network comes or goes."""


def watch(
    option: Any, address: Address, options: Any, changed: Callable[[bool], Any]
) -> Subscription | None:
    """Call `changed` at every change; `None` when changes cannot be detected.

    Args:
        option: the option ``network``: `None` to detect, `False` for off, or a `Network`.
        address: where the client connects to; a server on this machine needs no network.
        options: those of the transport; a unix socket needs no network either.
        changed: is given True when the machine has come online, False when it went offline.

    Raises:
        OptionError: the option is something else.
    """
    if option is False:
        return None
    if option is None or option is True:
        if not sys.platform.startswith("linux") or is_loopback(address) or "unix" in options:
            return None
        from primus.client.netlink import interfaces

        return interfaces().subscribe(changed)
    if not isinstance(option, Network):
        raise OptionError(
            f"network={option!r}: must be None to detect it, False, or an object with a method "
            "subscribe(changed)"
        )
    return option.subscribe(changed)
