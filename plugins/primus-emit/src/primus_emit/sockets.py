"""The classes of Python sockets with the plugins; a server does without this module."""

from __future__ import annotations

from primus import Socket
from primus.answers import Answers
from primus_emit.emitting import emit
from primus_emit.sending import ask, send

__all__ = ["EmitSocket", "EmitterSocket"]


class EmitSocket(Socket):
    """A socket with the plugin ``emit`` or ``emit-broadcast``."""

    emit = emit


class EmitterSocket(Socket):
    """A socket with the plugin ``emitter``."""

    send = send
    ask = ask
    acks: Answers[float] | None = None
    """Made once there is something to wait for."""
