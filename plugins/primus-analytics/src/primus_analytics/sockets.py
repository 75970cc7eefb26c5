"""The class of Python sockets with the plugin; a server does without this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from primus import ClientOptions, MessageT_co, Socket
from primus_analytics.settings import AnalyticsSettings

__all__ = ["AnalyticsSocket", "AnalyticsSocketOptions"]


class AnalyticsSocketOptions(ClientOptions, total=False):
    """The options of a socket with the plugin ``analytics``."""

    analytics: AnalyticsSettings | None


class AnalyticsSocket(Socket[MessageT_co]):
    """A socket with the plugin ``analytics``; applications derive from it."""

    if TYPE_CHECKING:

        def __init__(self, url: str, **options: Unpack[AnalyticsSocketOptions]) -> None: ...
