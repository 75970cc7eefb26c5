"""Events of clients for analytics: the plugin ``analytics``, after primus-analytics for Node.

    async with connect(url, plugin="analytics", analytics={"sink": print}) as socket:
        socket.write("hello")

Only clients report: when they open, close, begin to reconnect, have reconnected or failed to, come
online, and each message that they send, by the name of its event when it is one of ``emit`` or
``emitter``. Errors are reported, too. Messages are never altered.

In the browser the reports go to Google's ``gtag`` or ``ga``, whichever the page has; the option
``analytics`` takes a ``sink`` there as well, and ``category``, ``app`` and ``events``, as in Node.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Unpack

from primus import Primus, ServerOptions, SparkT_co, hookimpl
from primus.browser import Browser
from primus_analytics.settings import AnalyticsSettings, settings_in

if TYPE_CHECKING:
    from primus import Socket
    from primus_analytics.sockets import AnalyticsSocket, AnalyticsSocketOptions

__all__ = [
    "AnalyticsOptions",
    "AnalyticsPrimus",
    "AnalyticsSettings",
    "AnalyticsSocket",
    "AnalyticsSocketOptions",
    "primus_browser",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_options",
    "primus_setup",
    "primus_socket",
]


class AnalyticsOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``analytics``, which reports nothing itself."""

    analytics: AnalyticsSettings | None


class AnalyticsPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``analytics``."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[AnalyticsOptions]) -> None: ...


def __getattr__(name: str) -> Any:
    """What sockets are made of, imported when it is first asked for: a server does without it."""
    if name in ("AnalyticsSocket", "AnalyticsSocketOptions"):
        from primus_analytics import sockets

        return getattr(sockets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Of sockets; a server takes it for the sockets that are made of it."""
    return {"analytics": None}


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """Nothing but its option, for type checkers."""
    return AnalyticsPrimus


@hookimpl
def primus_setup(primus: Primus) -> None:
    """Look at the option."""
    settings_in(primus.options.extra)


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """Nothing but its option, for type checkers."""
    from primus_analytics.sockets import AnalyticsSocket

    return AnalyticsSocket


@hookimpl
def primus_socket(socket: Socket) -> None:
    """Report what happens to the socket."""
    from primus_analytics.reporting import Reporter

    settings = settings_in(socket.options.extra)
    if settings.sink is not None:
        Reporter(socket, settings).follow()
    else:
        socket.log.warning(
            "%r: the plugin 'analytics' reports nothing, since it has no sink: "
            'analytics={"sink": fn}',
            socket,
        )


@hookimpl
def primus_browser() -> Browser:
    """The reports of clients in the browser."""
    declarations = files("primus_analytics").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_analytics", declarations=declarations)
