"""What ``primus_speedups.read_texts`` does, in Python: the texts at the beginning of a read."""

from __future__ import annotations

from primus.websocket import MASKED, bounds

__all__ = ["read_texts"]


def read_texts(data: bytes, at: int, stop: int, longest: int, most: int) -> tuple[list[str], int]:
    """The whole texts of a client that begin at `at`, and where the first other thing begins.

    Args:
        data: what has arrived.
        at: where a frame begins.
        stop: where what may be read ends.
        longest: how many bytes a text may have.
        most: how many texts are read.

    Raises:
        ValueError: ``0 <= at <= stop <= len(data)`` does not hold.
    """
    if not 0 <= at <= stop <= len(data):
        raise ValueError("0 <= at <= stop <= len(data) does not hold")
    texts: list[str] = []
    while len(texts) < most and (found := bounds(data, at, stop)) is not None:
        body, end = found
        if data[at] != 0x81 or data[at + 1] < MASKED or data[at + 1] == MASKED + 127:
            break
        if end > stop or end - body > longest:
            break
        key = data[body - 4 : body]
        plain = bytes(byte ^ key[i % 4] for i, byte in enumerate(data[body:end]))
        try:
            texts.append(plain.decode())
        except UnicodeDecodeError:
            break
        at = end
    return texts, at
