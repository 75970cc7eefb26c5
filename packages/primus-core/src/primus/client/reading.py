"""What a client gives its user to read: listeners, iteration, and what came before both."""

from __future__ import annotations

from typing import Any

from primus.client.early import Early
from primus.client.lifecycle import Lifecycle
from primus.messages import Messages

__all__ = ["Reading"]


class Reading(Lifecycle):
    """A client whose messages may be kept until somebody reads."""

    _early: Early | None = None

    def _collect(self) -> None:
        """Keep messages from now on, until somebody iterates or listens."""
        self._early = Early(self.high_water, self.log)
        super()._add("data", self._early.put, once=False)

    def _collected(self) -> list[tuple[Any, Any]]:
        early, self._early = self._early, None
        if early is None:
            return []
        self.off("data", early.put)
        return early.take()

    def _kept(self) -> list[Any]:
        return [data for data, _raw in self._collected()]

    def _stop_iteration(self, messages: Messages) -> None:
        self.off("data", messages.put)
        self.off("end", self._finish_iteration)
        self._messages = None

    def _add(self, event: str, fn: Any, *, once: bool) -> Any:
        added = super()._add(event, fn, once=once)
        if event == "data" and fn is not None and self._early is not None:
            collected = self._collected()
            if collected:
                self.hold(self._replay(collected))
        return added

    async def _replay(self, collected: list[tuple[Any, Any]]) -> None:
        for data, raw in collected:
            pending = self._deliver(data, raw)
            if pending is not None:
                await pending
