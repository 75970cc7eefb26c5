"""Connections of clients whose WebSocket lives in another worker."""

import pytest

from primus.workers.tunnel import TunnelEnd, joined
from primus.write_watch import WriteWatch
from primus_testing import ManualClock, NotingTransport


class Tunnel:
    """Both connections: that of the client, and that to the other worker."""

    def __init__(self, writes: WriteWatch) -> None:
        self.client, self.worker = NotingTransport(), NotingTransport()
        self.far = TunnelEnd(writes)
        self.far.connection_made(self.worker)
        joined(self.client, b"", self.far, writes)
        self.near = self.client.protocol


def test_a_client_that_takes_nothing_is_dropped_however_little_waits() -> None:
    clock = ManualClock()
    tunnel = Tunnel(WriteWatch(clock, 30.0))
    tunnel.client.waiting = 100

    clock.advance(45)

    assert tunnel.client.ends == ["aborted"]


@pytest.mark.parametrize("first", ["near", "far"])
def test_what_is_left_when_one_end_has_gone_is_taken_or_given_up(first: str) -> None:
    clock = ManualClock()
    tunnel = Tunnel(WriteWatch(clock, 30.0))
    left = tunnel.worker if first == "near" else tunnel.client
    left.waiting = 100

    getattr(tunnel, first).connection_lost(None)
    clock.advance(60)

    assert left.ends == ["closed", "aborted"]


def test_nothing_is_watched_of_a_tunnel_that_is_gone() -> None:
    clock = ManualClock()
    writes = WriteWatch(clock, 30.0)
    tunnel = Tunnel(writes)

    tunnel.far.connection_lost(None)
    tunnel.near.connection_lost(None)
    clock.advance(30)

    assert len(writes) == clock.pending == 0
