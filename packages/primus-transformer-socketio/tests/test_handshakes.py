"""Keys of handshakes, on a clock that the tests move."""

from primus_testing import ManualClock
from primus_transformer_socketio.handshakes import Handshakes


def test_a_key_is_used_once() -> None:
    handshakes = Handshakes(ManualClock(), 30.0, 10)
    key = handshakes.begin()
    assert key in handshakes
    assert handshakes.use(key)
    assert not handshakes.use(key)
    assert key not in handshakes


def test_a_key_expires() -> None:
    clock = ManualClock()
    handshakes = Handshakes(clock, 30.0, 10)
    used, other = handshakes.begin(), handshakes.begin()
    clock.advance(29)
    assert handshakes.use(used)
    clock.advance(1)
    assert other not in handshakes
    assert not handshakes.use(other)


def test_expired_keys_are_not_kept() -> None:
    clock = ManualClock()
    handshakes = Handshakes(clock, 30.0, 1000)
    for _ in range(100):
        handshakes.begin()
        clock.advance(1)
    assert len(handshakes) <= 31


def test_the_oldest_key_gives_way_when_there_are_too_many() -> None:
    handshakes = Handshakes(ManualClock(), 30.0, 3)
    keys = [handshakes.begin() for _ in range(5)]
    assert [key in handshakes for key in keys] == [False, False, True, True, True]
    assert len(handshakes) == 3
