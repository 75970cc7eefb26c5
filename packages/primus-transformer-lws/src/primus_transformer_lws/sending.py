"""The way out of one WebSocket of picows."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from picows import WSMsgType, WSTransport

from primus.limits import DEFAULT_LIMITS, Limits
from primus.websocket import Intake, ShortTexts, framed, server_frame, text_frame, utf8
from primus_transformer_lws.deflate import Deflate

__all__ = ["Sending"]

COMPRESS_FROM: Final = 1024
"""Smaller messages are sent as they are: compressing them costs more than it saves."""

TEXT, BINARY, PING = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING


class Sending(ShortTexts, Intake):
    """The half of a transport that sends.

    Args:
        wire: the asyncio transport.
        serves: whether this is the server's side.
        deflate: when messages may be compressed.
        limits: what the peer may cost.
    """

    __slots__ = (
        "_deflate",
        "_send",
        "_serves",
        "_write_paused",
        "_ws",
        "corks",
    )

    def __init__(
        self,
        wire: asyncio.Transport,
        *,
        serves: bool,
        deflate: Deflate | None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        Intake.__init__(self, wire, limits)
        self._ws: WSTransport | None = None
        self._send: Any = None
        self._serves = self.corks = serves  # a client would have to mask in Python
        self._deflate = deflate if deflate is not None and deflate.compresses else None
        self._write_paused = False

    def send(self, frame: str | bytes) -> None:
        """Send one message, text for `str` and binary for `bytes`."""
        if not self._is_open:
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
            self.given += len(frame)
        else:
            self._send(BINARY, frame)
            self.given += len(frame)

    def _send_text(self, text: bytes) -> None:
        if not self._is_open:
            return
        if self._deflate is not None and len(text) >= COMPRESS_FROM:
            self._send_compressed(self._deflate, TEXT, text)
        elif self.corked:
            self._put(text_frame(text))
        else:
            self._send(TEXT, text)
            self.given += len(text)

    def _send_compressed(self, deflate: Deflate, kind: WSMsgType, message: bytes) -> None:
        payload = deflate.deflate(message)
        if self.corked:
            self._put(framed(0xC1 if kind is TEXT else 0xC2, payload))
        else:
            self._send(kind, payload, rsv1=True)
            self.given += len(payload)

    @classmethod
    def prepare(cls, frame: str | bytes) -> tuple[WSMsgType, bytes]:
        """Kind and payload: picows frames and sends them faster than a finished frame is sent."""
        return (TEXT, utf8(frame)) if isinstance(frame, str) else (BINARY, frame)

    def send_prepared(self, prepared: tuple[WSMsgType, bytes]) -> None:
        """Send what `prepare` has made, uncompressed as RFC 7692 section 6 lets us."""
        if not self._is_open:
            return
        kind, payload = prepared
        if self.corked:
            self._put(framed(0x81 if kind is TEXT else 0x82, payload))
        else:
            self._send(kind, payload)
            self.given += len(payload)

    def uncork(self) -> None:
        """Send what was held back during a read, in one piece."""
        self.corked = False
        self._flush()

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        if self._wire is not None:
            self._wire.set_write_buffer_limits(high_water)

    def congested(self, *, congested: bool) -> None:
        """More than the limit waits to be sent, or no longer does."""
        self._write_paused = congested
        if self.connection is not None:
            self.connection.congested(congested)

    def ping(self) -> bool:
        """Send a ping, which the peer answers by itself."""
        if self._is_open:
            if self.corked:
                self._put(b"\x89\x00")
            else:
                self._send(PING, b"")
        return True
