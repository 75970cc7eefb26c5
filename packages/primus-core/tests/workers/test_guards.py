"""Which connections leave a worker, and which sockets a supervisor closes, without processes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from primus.server.listen import Listening
from primus.workers.elsewhere import Elsewhere
from primus.workers.supervisor import Supervisor
from primus.workers.whereabouts import Owner, Place


class Wire:
    """A connection that cannot be handed over: it says so when that is tried."""

    def __init__(self) -> None:
        self.tried = 0

    def get_write_buffer_size(self) -> int:
        """Something waits."""
        self.tried += 1
        return 1


@pytest.mark.parametrize(
    ("owner", "line", "is_tried"),
    [
        (Owner("w1", True), b"GET /primus/?sid=1 HTTP/1.1", True),
        (Owner("w1", False), b"GET /primus/?sid=1 HTTP/1.1", False),
        (None, b"GET /primus/?sid=1 HTTP/1.1", False),
        (Owner("w1", True), b"GET /other/?sid=1 HTTP/1.1", False),
        (Owner("w1", True), b"GET /primus/", False),
    ],
)
def test_a_connection_goes_only_to_a_worker_that_has_its_session_for_sure(
    tmp_path: Path, owner: Owner | None, line: bytes, is_tried: bool
) -> None:
    primus: Any = SimpleNamespace(pathname="/primus", transformer=None)
    elsewhere = Elsewhere(primus, Place("w0", 0, 2, str(tmp_path), "secret"))
    elsewhere.whereabouts = SimpleNamespace(find=lambda *_: owner)  # type: ignore[assignment]
    wire: Any = Wire()
    assert elsewhere.take(wire, line + b"\r\n\r\n") is False
    assert wire.tried == int(is_tried)


def test_without_a_successor_no_connection_is_given_away(tmp_path: Path) -> None:
    primus: Any = SimpleNamespace(pathname="/primus", transformer=None)
    elsewhere = Elsewhere(primus, Place("w0", 0, 2, str(tmp_path), "secret"))
    wire: Any = Wire()
    for workers, tried in (
        ([("w0", 0, True), ("w1", 1, True)], 0),
        ([("w0", 0, False), ("w2", 0, True)], 1),
    ):
        elsewhere.whereabouts.update(workers)
        assert elsewhere.give(wire, b"") is False
        assert wire.tried == tried


@pytest.mark.parametrize(
    ("one_socket", "others", "is_closed"),
    [(False, [True], True), (False, [False], False), (False, [], False), (True, [True], False)],
)
async def test_a_slot_without_a_worker_is_closed_only_while_another_accepts(
    one_socket: bool, others: list[bool], is_closed: bool
) -> None:
    made: Any = Supervisor(
        2, Listening("127.0.0.1"), lambda text: [], over=1.0, one_socket=one_socket
    )
    made._workers = {
        f"w{n}": SimpleNamespace(is_current=is_current) for n, is_current in enumerate(others)
    }
    made._close_listener(0)
    assert (made._listener(0).fileno() < 0) is is_closed
    made._open_listener(0)
    assert made._listener(0).fileno() >= 0
    made._workers = {}
    await made.stop()
