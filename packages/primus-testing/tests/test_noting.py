"""The fakes that note what is done to them."""

from primus.closed import Ending
from primus.errors import ProtocolError
from primus_testing import MemoryTransport, NotingConnection, NotingTransport


def test_a_connection_notes_in_order_what_its_transport_tells_it() -> None:
    wire, connection = MemoryTransport(), NotingConnection()
    wire.connection = connection
    connection.on_frame = wire.clog
    wire.limit(3)

    wire.receive("one")
    wire.send("1234")
    wire.seen()
    wire.receive(b"two")
    wire.unclog()
    error, ending = ProtocolError("why"), Ending.of_peer(1000)
    wire.lose(error, ending)

    assert connection.story == ["one", "congested", b"two", "relieved", "lost"]
    assert connection.signs == 1
    assert (connection.error, connection.ending) == (error, ending)


def test_a_transport_notes_in_order_what_is_done_to_it() -> None:
    wire = NotingTransport(("10.0.0.7", 4711))

    wire.pause_reading()
    wire.write(b"one")
    wire.resume_reading()
    wire.write(bytearray(b"two"))
    wire.write_eof()
    assert not wire.is_closing()
    wire.abort()

    assert wire.story == ["paused", "read", "eof", "aborted"]
    assert wire.ends == ["eof", "aborted"]
    assert (wire.writes, wire.written) == ([b"one", b"two"], b"onetwo")
    assert wire.is_closing()
    assert wire.get_extra_info("peername") == ("10.0.0.7", 4711)
