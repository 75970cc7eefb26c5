"""What one peer may cost, in one object: every limit of a server or a client stands here (pure).

A transformer, a host or a queue reads its bounds from `Limits` and has no constant of its own, so a
limit cannot hold on one path and be missing on another. Sizes are bytes, durations seconds; `None`
disables what a duration stands for. Zero is never read as unlimited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_LIMITS", "Limits"]

KIB: Final = 1 << 10
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Limits:
    """The bounds of every connection of one Primus, or of one Socket.

    The first group are options of users (docs/options.md); the others are fixed.
    """

    max_length: int = MIB
    """The largest incoming message, in bytes after inflation."""
    high_water: int = MIB
    """Unsent bytes that a connection may hold before ``slow_consumer`` applies."""
    handshake_timeout: float | None = 10.0
    """Seconds for the head of a request, and for the layers that decide about it."""
    write_timeout: float | None = 30.0
    """Seconds in which a peer takes at least some of what waits for it, or is dropped."""

    max_sparks: int | None = None
    """How many connections a server has at most; `None` for no limit."""
    max_head: int = 16 * KIB
    """The largest head of a request, in bytes: request line and headers."""

    read_ahead_messages: int = 16
    read_ahead_bytes: int = 64 * KIB
    """How much may wait for a busy connection before nothing more is read or parsed for it."""
    frame_overhead: int = 64
    """What a frame in a queue of ours counts beside its bytes: what an object needs."""
    turn_messages: int = 64
    turn_bytes: int = 40 * KIB
    """How much of one connection is handled before all others get their turn."""
    asking_messages: int = 4096
    asking_bytes: int = MIB
    """How much of one connection is read ahead while an answer of its peer is awaited, which may be
    behind it."""
    fragments: int = 1024
    short_fragment: int = 64
    """How many fragments of one WebSocket message may be shorter than so many bytes."""
    outbox_messages: int = 4096
    """How many messages may wait for an async transform before ``slow_consumer`` applies."""
    pending_answers: int = 4096
    """How many answers a connection may await of its peer at a time, for each plugin that asks."""
    refusal_bytes: int = 64 * KIB
    """How much of the body is read with which a server refuses a handshake or a request."""
    description_bytes: int = 64 * KIB
    """The longest answer to ``/spec`` that a client takes."""
    diagnosis_timeout: float = 3.0
    """Seconds that a server gets to say what it is, when a handshake with it has failed."""
    poll_bytes: int = 16 * MIB
    """The longest answer to a poll that a client takes, unless its messages may be longer: a server
    sends all that has waited in one answer."""
    traceback_interval: float = 60.0
    """Seconds within which a failure of one place in the user's code is logged once, whatever peers
    send; those that are left out are counted."""
    warning_interval: float = 60.0
    """Seconds within which a full server warns once, however many connections it refuses."""
    warnings_per_second: int = 5
    """How many lines a second tell of connections that were dropped; the others are counted."""
    max_depth: int = 1024
    """How deeply arrays and objects of an incoming message may be nested, with every parser."""
    max_depth_written: int = 1088
    """The same for an outgoing one: more, since applications wrap what they pass on."""
    finish_timeout: float = 10.0
    """Seconds that what was written before an end gets to be transformed and sent."""
    shutdown_timeout: float = 5.0
    """Seconds that requests under way get to end when the server does, the time that connections
    take to close included."""
    forwarded_hops: int = 32
    """How many addresses of a chain of proxies are looked at, from the last one on."""
    session_name: int = 128
    """Characters of each part of a path by which a client names its session."""
    session_id: int = 1024
    """Characters of a session id that a server gives: a client repeats it with each request."""
    relayed_requests: int = 1024
    """How many requests and WebSockets a worker passes on to others at a time."""
    accepted_per_turn: int = 64
    """How many connections are accepted before the others get a turn."""
    max_headers: int = 128
    """How many headers a request has at most, on a server of our own."""
    keepalive_timeout: float | None = 75.0
    """Seconds that a server of our own keeps an idle HTTP connection; aiohttp's is an hour."""


DEFAULT_LIMITS: Final = Limits()
