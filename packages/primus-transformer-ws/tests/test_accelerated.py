"""Texts that are read together are brought, paused and counted like those that are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.protocol import SERVER, Protocol

from primus.limits import DEFAULT_LIMITS
from primus_testing import NotingConnection, NotingTransport, eventually
from primus_testing.noise import cuts, sent
from primus_testing.raw_websocket import BINARY, CONT, PING, TEXT, frame
from primus_testing.texts import read_texts
from primus_transformer_ws.accelerated import AcceleratedTransport
from primus_transformer_ws.server_transport import ServerTransport

LIMITS = replace(DEFAULT_LIMITS, turn_bytes=60, turn_messages=5)
MAX = 50


def library() -> Protocol:
    return Protocol(SERVER, max_size=MAX)


class Acting(NotingConnection):
    """A connection that acts on its transport after some of what it is told."""

    def __init__(self, transport: ServerTransport) -> None:
        super().__init__()
        self.transport = transport
        self.acts: dict[int, Callable[[ServerTransport], object]] = {}
        self.on_frame = self._act

    def seen(self) -> None:
        """Note the sign of life in its place."""
        self.story.append("seen")

    def _act(self) -> None:
        act = self.acts.get(len(self.story))
        if act is not None:
            act(self.transport)


def opened(make: Callable[..., ServerTransport]) -> tuple[ServerTransport, Acting, NotingTransport]:
    transport, wire = make(library, MAX, 3600.0, limits=LIMITS), NotingTransport()
    connection = Acting(transport)
    transport.connection_made(wire)
    transport.connection = connection
    return transport, connection, wire


accelerated = partial(AcceleratedTransport, read_texts)


def pause(transport: ServerTransport) -> None:
    transport.pause_reading()


def close(transport: ServerTransport) -> None:
    transport.close(4000, "enough")


def abort(transport: ServerTransport) -> None:
    transport.abort()


def leave(transport: ServerTransport) -> None:
    transport.connection = None


def speak(transport: ServerTransport) -> None:
    transport.send("answer")


acts = st.dictionaries(
    st.integers(1, 12), st.sampled_from([pause, close, abort, leave, speak]), max_size=3
)
texts = st.lists(st.builds(frame, st.just(TEXT), st.binary(max_size=20)), max_size=12).map(b"".join)
"""Mostly texts, so that many are read together."""


async def trace(
    make: Callable[..., ServerTransport],
    reads: list[bytes],
    acts: dict[int, Callable[[ServerTransport], object]],
) -> list[Any]:
    """What the connection is told, what is answered and what is kept, after each read and turn."""
    transport, connection, wire = opened(make)
    connection.acts = acts
    seen: list[Any] = []

    def note() -> None:
        rest = bytes(transport._head + transport._rest[transport._at :])
        lost = type(connection.error), str(connection.error), connection.ending
        wires = wire.written, wire.ends, wire.reading, rest, transport.traffic
        seen.append((list(connection.story), lost, wires))

    for read in reads:
        transport.data_received(read)
        note()
        transport.resume_reading()
        note()
    while transport._rest and transport._reading:
        transport._turn = None
        transport.resume_reading()
        note()
    transport.connection_lost(None)
    note()
    return seen


@settings(max_examples=300, deadline=None)
@given(noise=sent(), texts=texts, acts=acts, cuts=cuts())
async def test_it_does_the_same_as_the_plain_way_read_by_read(
    noise: bytes, texts: bytes, acts: dict[int, Any], cuts: list[int]
) -> None:
    for data in (texts + noise, noise + texts):
        places = [0, *sorted(each for each in cuts if each < len(data)), len(data)]
        reads = [data[a:b] for a, b in pairwise(places)]

        assert await trace(accelerated, reads, acts) == await trace(ServerTransport, reads, acts)


@pytest.mark.parametrize("make", [ServerTransport, accelerated])
async def test_a_turn_has_so_many_messages_whatever_they_are(make: Any) -> None:
    transport, connection, _ = opened(make)

    transport.data_received(frame(TEXT, b"t") * 4 + frame(BINARY, b"b") + frame(TEXT, b"t") * 9)

    assert len(connection.story) == 6  # the first, and so many as a turn has
    await eventually(lambda: len(connection.story) == 14)


@pytest.mark.parametrize("make", [ServerTransport, accelerated])
async def test_a_turn_has_so_many_bytes_and_the_frame_that_goes_beyond(make: Any) -> None:
    transport, connection, _ = opened(make)

    transport.data_received(frame(TEXT, b"x" * 34) * 5)  # 40 bytes each; a turn has 60

    assert len(connection.story) == 3
    await eventually(lambda: len(connection.story) == 5)


async def test_texts_behind_a_pause_are_kept_as_they_came() -> None:
    transport, connection, _ = opened(accelerated)
    connection.acts = {3: pause}

    transport.data_received(b"".join(frame(TEXT, b"%d" % n) for n in range(5)))

    assert connection.story == ["0", "1", "2"]
    assert transport._rest[transport._at :] == frame(TEXT, b"3") + frame(TEXT, b"4")


async def test_a_text_within_a_fragmented_message_is_left_to_the_library() -> None:
    transport, connection, wire = opened(accelerated)

    transport.data_received(frame(TEXT, b"a", fin=False) + frame(TEXT, b"b") + frame(CONT, b"c"))

    assert wire.written[2:4] == b"\x03\xea"
    assert len(connection.story) == 1
    transport.abort()


async def test_the_first_text_of_those_read_together_is_a_sign_of_life() -> None:
    transport, connection, _ = opened(accelerated)
    signs: list[bool] = []
    connection.feed = lambda frame, last=True: signs.append(last)  # type: ignore[method-assign]

    transport.data_received(frame(TEXT) * 2 + frame(PING) + frame(TEXT) * 2)

    assert signs == [True, False, True, False]


async def test_texts_beyond_the_bytes_of_a_turn_are_not_even_read() -> None:
    asked: list[tuple[int, ...]] = []

    def watched(*args: Any) -> tuple[list[str], int]:
        asked.append(args[1:])
        return read_texts(*args)

    transport, connection, _ = opened(partial(AcceleratedTransport, watched))

    transport.data_received(frame(TEXT, b"x" * 14) * 9)  # 20 bytes each

    assert asked == [(0, 60, MAX, 6), (0, 60, MAX, 1), (60, 80, MAX, 3)]
    assert len(connection.story) == 4
    transport.abort()
