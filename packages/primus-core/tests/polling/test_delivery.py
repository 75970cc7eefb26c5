"""Frames that have arrived, on their way to a connection."""

from __future__ import annotations

import asyncio
from typing import Any

from primus.limits import DEFAULT_LIMITS
from primus.polling import FrameDelivery

OVERHEAD = DEFAULT_LIMITS.frame_overhead


class Taking:
    """A transport and its connection, which may pause the delivery at a frame."""

    def __init__(self, pause_at: Any = None) -> None:
        self.connection: Any = self
        self.got: list[Any] = []
        self.emptied = self.taken = 0
        self._pause_at = pause_at
        self.delivery = FrameDelivery(self, self._empty)  # type: ignore[arg-type]

    def feed(self, frame: Any) -> None:
        self.got.append(frame)
        if frame == self._pause_at:
            self.delivery.pause()

    def _empty(self) -> None:
        self.emptied += 1


def test_nothing_is_brought_before_the_first_resume() -> None:
    taking = Taking()
    taking.delivery.add(["one", b"two"])
    assert (taking.got, len(taking.delivery)) == ([], 2)
    assert taking.taken == 6
    assert taking.delivery.size == 6 + 2 * OVERHEAD

    taking.delivery.resume()

    assert (taking.got, taking.emptied) == (["one", b"two"], 1)
    assert taking.delivery.size == 0


def test_a_pause_in_the_middle_keeps_the_rest_in_order() -> None:
    taking = Taking(pause_at="two")
    taking.delivery.resume()
    taking.delivery.add(["one", "two", "three"])
    taking.delivery.add(["four"])
    assert (taking.got, taking.emptied) == (["one", "two"], 0)

    taking.delivery.resume()

    assert taking.got == ["one", "two", "three", "four"]


async def test_others_get_their_turn_after_many_frames() -> None:
    taking = Taking()
    taking.delivery.resume()
    taking.delivery.add([str(number) for number in range(200)])
    assert len(taking.got) == DEFAULT_LIMITS.turn_messages
    await asyncio.sleep(0)
    assert len(taking.got) == 2 * DEFAULT_LIMITS.turn_messages
    for _ in range(3):
        await asyncio.sleep(0)
    assert taking.got == [str(number) for number in range(200)]
    assert taking.emptied == 1


async def test_others_get_their_turn_after_many_characters() -> None:
    taking = Taking()
    taking.delivery.resume()
    taking.delivery.add(["x" * DEFAULT_LIMITS.turn_bytes, "y", "z"])
    assert len(taking.got) == 2
    await asyncio.sleep(0)
    assert taking.got[2] == "z"


async def test_what_waits_for_its_turn_waits_for_a_pause_too() -> None:
    taking = Taking()
    taking.delivery.resume()
    taking.delivery.add([str(number) for number in range(100)])
    taking.delivery.pause()
    await asyncio.sleep(0)
    assert len(taking.got) == 64
    taking.delivery.resume()
    assert len(taking.got) == 100


def test_all_is_brought_at_once_when_the_transport_ends() -> None:
    taking = Taking()
    taking.delivery.add(["one", "two"])
    taking.delivery.rush()
    assert (taking.got, taking.emptied) == (["one", "two"], 0)


async def test_what_is_dropped_is_not_brought() -> None:
    taking = Taking()
    taking.delivery.resume()
    taking.delivery.add([str(number) for number in range(100)])
    taking.delivery.clear()
    await asyncio.sleep(0)
    assert (len(taking.got), taking.delivery.size) == (64, 0)


def test_a_connection_that_is_gone_gets_nothing() -> None:
    taking = Taking()
    taking.connection = None
    taking.delivery.add(["one"])
    taking.delivery.resume()
    taking.delivery.add(["two"])
    taking.delivery.rush()
    assert taking.got == []


async def test_a_turn_has_so_many_frames_and_the_transport_is_empty_once() -> None:
    taking = Taking()
    taking.delivery.resume()
    taking.delivery.add(["x"] * (DEFAULT_LIMITS.turn_messages + 1))
    assert len(taking.got) == DEFAULT_LIMITS.turn_messages
    assert taking.emptied == 0

    taking.delivery.add(["y"])
    assert len(taking.got) == DEFAULT_LIMITS.turn_messages
    await asyncio.sleep(0)

    assert taking.got[-2:] == ["x", "y"]
    assert taking.emptied == 1
    assert taking.delivery.size == 0


async def test_what_is_cleared_in_the_middle_of_a_turn_takes_no_other() -> None:
    taking = Taking()
    taking.delivery.resume()
    taking.delivery.add(["x"] * (DEFAULT_LIMITS.turn_messages + 1))
    taking.delivery.clear()
    await asyncio.sleep(0)
    assert len(taking.got) == DEFAULT_LIMITS.turn_messages
    assert (taking.delivery.size, taking.emptied) == (0, 0)

    taking.delivery.add(["later"])
    assert taking.got[-1] == "later"
