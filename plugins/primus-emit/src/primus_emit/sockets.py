"""The classes of Python sockets with the plugins; a server does without this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Unpack

from primus import ClientOptions, MessageT_co, Socket
from primus.answers import Answers
from primus_emit.emitting import emit
from primus_emit.sending import ask, send

__all__ = ["EmitSocket", "EmitterSocket", "EmitterSocketOptions"]


class EmitSocket(Socket[MessageT_co]):
    """A socket with the plugin ``emit`` or ``emit-broadcast``."""

    emit = emit


class EmitterSocketOptions(ClientOptions, total=False):
    """The options of a socket with the plugin ``emitter``."""

    emitter_timeout: float | Literal[False] | None
    emitter_data: bool


class EmitterSocket(Socket[MessageT_co]):
    """A socket with the plugin ``emitter``."""

    send = send
    ask = ask
    acks: Answers[float] | None = None
    """Made once there is something to wait for."""

    if TYPE_CHECKING:

        def __init__(self, url: str, **options: Unpack[EmitterSocketOptions]) -> None: ...
