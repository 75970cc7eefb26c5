"""The streams and subjects of a namespace (pure).

primus.<ns>.bus.<shard>     a stream each: what is posted
primus.<ns>.to.<node>       one stream: what servers are told
primus.<ns>.state.…         one stream, the newest of each subject: servers, epoch, parked values
primus.<ns>.live.…          what the first two keep, as it comes
primus.<ns>.wake            servers have come or gone, or an epoch has ended
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from primus_backplane.links import Lane

__all__ = ["INBOX", "Names"]

INBOX: Final = -1
"""The shard that stands for what is told to this server."""
UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


class Names:
    """What things are called.

    Args:
        namespace: the namespace.
        node: this server, whose inbox it is.
    """

    def __init__(self, namespace: str, node: str) -> None:
        token = _token(namespace)
        self._node = node
        self._stream = f"primus-{token}"
        self._subject = f"primus.{token}"
        self.inboxes = f"{self._stream}-to"
        self.state = f"{self._stream}-state"
        self.wake = f"{self._subject}.wake"
        self.epoch = f"{self._subject}.state.epoch"
        self.every_node = f"{self._subject}.state.node.*"
        self.every_state = f"{self._subject}.state.>"
        self.every_inbox = f"{self._subject}.to.>"
        self.every_live_inbox = f"{self._subject}.live.to.>"

    def stream(self, shard: int) -> str:
        """The stream of a shard, or of what servers are told."""
        return self.inboxes if shard == INBOX else f"{self._stream}-bus-{shard}"

    def subject(self, lane: Lane) -> str:
        """Where a lane is published to."""
        return f"{self._subject}.{self._lane(lane)}"

    def live(self, lane: Lane) -> str:
        """Where a lane comes from."""
        return f"{self._subject}.live.{self._lane(lane)}"

    def node(self, name: str) -> str:
        """The record of a server."""
        return f"{self._subject}.state.node.{_token(name)}"

    def parked(self, key: str) -> str:
        """A value that any server may take."""
        return f"{self._subject}.state.parked.{sha256(key.encode()).hexdigest()}"

    def _lane(self, lane: Lane) -> str:
        if lane == INBOX:
            lane = self._node
        return f"bus.{lane}" if isinstance(lane, int) else f"to.{_token(lane)}"


def _token(text: str) -> str:
    """A word of a subject, or of the name of a stream."""
    return UNSAFE.sub(lambda found: f"={ord(found[0]):x}=", text) or "="
