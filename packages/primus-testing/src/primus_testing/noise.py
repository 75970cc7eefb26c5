"""Arbitrary bytes for a WebSocket server."""

from __future__ import annotations

from hypothesis import strategies as st

from primus_testing.raw_websocket import frame

__all__ = ["cuts", "sent"]


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
