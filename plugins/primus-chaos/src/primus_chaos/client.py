"""The client halves: that of the Python `Socket`, and that of the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from primus import OptionError, hookimpl
from primus.browser import Browser
from primus_chaos.chaos import Chaos

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["primus_browser", "primus_extend_socket", "primus_socket"]


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.cut()``."""
    from primus_chaos.sockets import ChaosSocket

    return ChaosSocket


@hookimpl
def primus_socket(socket: Any, options: Mapping[str, Any]) -> None:
    """``socket.chaos``, by the options of the socket itself.

    Raises:
        OptionError: one of them cannot work.
    """
    chaos = socket.chaos = Chaos(options, socket.options.clock)
    if chaos.refuse:
        raise OptionError("chaos_refuse: only a server can refuse; give it to the Primus")
    if chaos.drop or chaos.delay[1] or chaos.cut:
        socket.log.warning("%r: network trouble on purpose: %r", socket, chaos)
    socket.transform("incoming", chaos.incoming)
    socket.transform("outgoing", chaos.outgoing)
    socket.on("open", lambda: chaos.connected(socket))
    socket.on("close", lambda: chaos.disconnected(socket))


@hookimpl
def primus_browser() -> Browser:
    """``primus.chaos``, by the option ``chaos`` of the client."""
    return Browser.read("primus_chaos")
