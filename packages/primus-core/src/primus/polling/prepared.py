"""A message for many sessions."""

from __future__ import annotations

from typing import Any

from primus.transport import Transport

__all__ = ["PreparedText"]


class PreparedText:
    """A text for many sessions, made ready once for each kind of WebSocket among them."""

    __slots__ = ("_ready", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._ready: dict[type[Transport], Any] = {}

    def on(self, kind: type[Transport]) -> Any:
        """What `kind.send_prepared` takes."""
        ready = self._ready.get(kind)
        if ready is None:
            ready = self._ready[kind] = kind.prepare(self.text)
        return ready
