"""Arbitrary bytes for a WebSocket server, and an asyncio transport without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st

from primus_testing.raw_websocket import frame

__all__ = ["KeepingTransport", "cuts", "sent"]


class KeepingTransport(asyncio.Transport):
    """An asyncio transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False
        self.family = -1
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: Any) -> None:
        """Keep the bytes."""
        self.written += data

    def write_eof(self) -> None:
        """Note the end."""
        self.closed = True

    def can_write_eof(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Note the end."""
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        """Whether the end has been noted."""
        return self.closed

    def get_write_buffer_size(self) -> int:
        """Report a byte that waits, so that all writes go through this object."""
        return 1

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """This object stands for its socket, too."""
        return self if name == "socket" else default

    def fileno(self) -> int:
        """There is none."""
        return -1

    def setsockopt(self, *option: Any) -> None:
        """Nothing is set."""

    def getsockopt(self, *option: Any) -> int:
        """Nothing is set."""
        return 0

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Another one receives from now on."""
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""


def sent() -> st.SearchStrategy[bytes]:
    """Frames right and wrong, and noise."""
    opcodes = st.sampled_from([0, 1, 2, 8, 9, 10, 3, 15])
    codes = st.integers(999, 5000).map(lambda code: code.to_bytes(2))
    right = st.builds(frame, opcodes, st.binary(max_size=130), fin=st.booleans())
    wrong = st.builds(
        frame, opcodes, st.binary(max_size=130), masked=st.booleans(), rsv=st.integers(0, 7)
    )
    closes = st.builds(lambda *parts: frame(8, b"".join(parts)), codes, st.binary(max_size=8))
    return st.lists(right | wrong | closes | st.binary(max_size=20), max_size=8).map(b"".join)


def cuts() -> st.SearchStrategy[list[int]]:
    """Where the bytes are cut into what arrives together."""
    return st.lists(st.integers(0, 500), max_size=4)
