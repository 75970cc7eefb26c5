"""The class of Python sockets with the plugin; a server does without this module."""

from __future__ import annotations

from primus import MessageT_co, Socket
from primus.answers import Answers
from primus_responder.calling import write_and_wait

__all__ = ["ResponderSocket"]


class ResponderSocket(Socket[MessageT_co]):
    """A socket with the plugin ``responder``; applications derive from it."""

    write_and_wait = write_and_wait
    responses: Answers[str] | None = None
    """Those that are awaited."""
