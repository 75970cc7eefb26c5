"""The way out of one WebSocket of picows."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from picows import WSMsgType, WSTransport

from primus.transformer import Transport
from primus.websocket import SHORT, TEXT_HEADS, framed, server_frame, utf8
from primus_transformer_lws.deflate import Deflate

__all__ = ["Sending"]

CORK_BYTES: Final = 64 * 1024
"""What is held back while one read is handled, at the most."""

CORK_PARTS: Final = 1024
"""In how many parts, at the most, where each is too short to be counted."""

COMPRESS_FROM: Final = 1024
"""Smaller messages are sent as they are: compressing them costs more than it saves."""

TEXT, BINARY, PING = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING


class Sending(Transport):
    """The half of a transport that sends.

    Args:
        wire: the asyncio transport.
        serves: whether this is the server's side.
        deflate: when messages may be compressed.
    """

    __slots__ = (
        "_closing",
        "_deflate",
        "_out",
        "_out_size",
        "_send",
        "_serves",
        "_wire",
        "_write_paused",
        "_ws",
        "corked",
        "corks",
    )

    def __init__(self, wire: asyncio.Transport, *, serves: bool, deflate: Deflate | None) -> None:
        super().__init__()
        self._wire: asyncio.Transport | None = wire
        self._ws: WSTransport | None = None
        self._send: Any = None
        self._serves = self.corks = serves  # a client would have to mask in Python
        self._deflate = deflate
        self._out: list[bytes] = []
        self._out_size = 0
        self._closing = False
        self._write_paused = False
        self.corked = False
        """Whether what is sent waits for the end of the read that is being handled."""

    def send(self, frame: str | bytes) -> None:
        """Send one message, text for `str` and binary for `bytes`."""
        if self._closing:
            return
        if self._deflate is not None and len(frame) >= COMPRESS_FROM:
            self._send_compressed(self._deflate, *self.prepare(frame))
        elif self.corked:
            self._put(server_frame(frame))
        elif isinstance(frame, str):
            try:
                self._send(TEXT, frame)
            except UnicodeEncodeError:
                self._send(TEXT, utf8(frame))
        else:
            self._send(BINARY, frame)

    def send_text(self, text: bytes) -> None:
        """Send one text message."""
        if self._closing:
            return
        size = len(text)
        if self._deflate is not None and size >= COMPRESS_FROM:
            self._send_compressed(self._deflate, TEXT, text)
        elif not self.corked:
            self._send(TEXT, text)
        elif size < SHORT:
            out = self._out
            out.append(TEXT_HEADS[size])
            out.append(text)
            if len(out) > CORK_PARTS:
                self._flush()
        else:
            self._put(framed(0x81, text))

    def _send_compressed(self, deflate: Deflate, kind: WSMsgType, message: bytes) -> None:
        payload = deflate.deflate(message)
        if self.corked:
            self._put(framed(0xC1 if kind is TEXT else 0xC2, payload))
        else:
            self._send(kind, payload, rsv1=True)

    @classmethod
    def prepare(cls, frame: str | bytes) -> tuple[WSMsgType, bytes]:
        """Kind and payload: picows frames and sends them faster than a finished frame is sent."""
        return (TEXT, utf8(frame)) if isinstance(frame, str) else (BINARY, frame)

    def send_prepared(self, prepared: tuple[WSMsgType, bytes]) -> None:
        """Send what `prepare` has made, uncompressed as RFC 7692 section 6 lets us."""
        if self._closing:
            return
        kind, payload = prepared
        if self.corked:
            self._put(framed(0x81 if kind is TEXT else 0x82, payload))
        else:
            self._send(kind, payload)

    def _put(self, data: bytes) -> None:
        self._out.append(data)
        self._out_size += len(data)
        if self._out_size > CORK_BYTES:
            self._flush()

    def uncork(self) -> None:
        """A read has been handled: send what was held back, in one piece."""
        self.corked = False
        if self._out:
            self._flush()

    def _flush(self) -> None:
        out, self._out, self._out_size = self._out, [], 0
        if self._wire is not None and not self._wire.is_closing():
            self._wire.write(b"".join(out))

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        wire = self._wire
        return sum(map(len, self._out)) + (0 if wire is None else wire.get_write_buffer_size())

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        if self._wire is not None:
            self._wire.set_write_buffer_limits(high_water)

    def congested(self, *, jammed: bool) -> None:
        """More than the limit waits to be sent, or no longer does."""
        self._write_paused = jammed
        if self.connection is not None:
            self.connection.congested(jammed)

    def ping(self) -> bool:
        """Send a ping, which the peer answers by itself."""
        if self.corked:
            self._put(b"\x89\x00")
        elif not self._closing:
            self._send(PING, b"")
        return True
