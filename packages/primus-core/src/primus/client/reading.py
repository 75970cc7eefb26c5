"""What a client gives its user to read: listeners, iteration, and what came before both."""

from __future__ import annotations

from primus.client.early import Early
from primus.client.lifecycle import Lifecycle
from primus.events import Listener
from primus.messages import Message

__all__ = ["Reading"]


class Reading(Lifecycle):
    """A client whose messages may be kept until somebody reads."""

    _early: Early | None = None

    def _collect(self) -> None:
        """Keep messages from now on, until somebody iterates or listens."""
        self._early = Early(self.limits.high_water, self.log)
        super()._add("data", self._early.put, once=False)

    def _collected(self) -> list[Message]:
        early, self._early = self._early, None
        if early is None:
            return []
        self.off("data", early.put)
        return early.take()

    def _kept(self) -> list[Message]:
        return self._collected()

    def _joined(self, listener: Listener) -> None:
        early = self._early
        if early is None or listener.fn == early.put:
            super()._joined(listener)
        elif listener.once:
            self._replay(listener, early.take(1))
        else:
            self._replay(listener, self._collected())
