from typing import Any

import pytest

from primus_multiplex import fanout
from primus_testing import join

PLUGIN = "multiplex"


@pytest.fixture
def news(primus: Any) -> Any:
    """A channel with two subscriptions."""
    for number in range(2):
        _, wire = join(primus)
        wire.receive(f'[1,"subscription{number}","news"]')
    return primus.channel("news")


def sent(channel: Any) -> list[list[Any]]:
    return [spark.conn._transport.sent for spark in channel]


def test_a_message_with_the_placeholder_in_it_arrives_unchanged(
    news: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "PLACEHOLDER", "x" * 128)

    news.write("x" * 13)

    assert sent(news) == [[f'[0,"subscription{n}","news","xxxxxxxxxxxxx"]'] for n in range(2)]


def test_a_parser_whose_frames_depend_on_the_whole_message_is_asked_for_each(
    make_primus: Any,
) -> None:
    class Checked:
        """Frames that begin with the sum of what follows."""

        binary = True

        def encode(self, value: Any) -> bytes:
            body = repr(value).encode()
            return f"{sum(body)}:".encode() + body

        def decode(self, frame: bytes) -> Any:
            total, _, body = frame.partition(b":")
            assert int(total) == sum(body)
            return eval(body)

    primus = make_primus("multiplex", parser=Checked())
    for number in range(2):
        _, wire = join(primus)
        wire.receive(primus.parser.encode([1, f"subscription{number}", "news"]))

    primus.channel("news").write("hello")

    for number, (frame,) in enumerate(sent(primus.channel("news"))):
        assert primus.parser.decode(frame) == [0, f"subscription{number}", "news", "hello"]


def test_what_a_transport_makes_ready_in_a_form_of_its_own_is_made_for_each(
    news: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(next(iter(news)).conn._transport)
    monkeypatch.setattr(kind, "prepare", classmethod(lambda cls, frame: {"frame": frame}))
    monkeypatch.setattr(kind, "send_prepared", lambda self, made: self.send(made["frame"]))

    news.write("hello")

    assert sent(news) == [[f'[0,"subscription{n}","news","hello"]'] for n in range(2)]


def test_a_frame_in_a_tuple_is_made_ready_once(news: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    kind = type(next(iter(news)).conn._transport)

    def prepare(frame: Any) -> Any:
        made.append(frame)
        return ("text", frame.encode())

    monkeypatch.setattr(kind, "prepare", prepare)
    monkeypatch.setattr(kind, "send_prepared", lambda self, ready: self.send(ready[1].decode()))

    news.write("hello")

    assert len(made) == 1
    assert sent(news) == [[f'[0,"subscription{n}","news","hello"]'] for n in range(2)]


def test_an_id_that_is_plain_at_its_beginning_only_is_written_by_the_parser(primus: Any) -> None:
    news = primus.channel("news")
    _, wire = join(primus)
    wire.receive('[1,"12345678\\"],[","news"]')

    news.write("hi")

    assert wire.sent == ['[0,"12345678\\"],[","news","hi"]']


def test_an_id_longer_than_any_placeholder_is_written_by_the_parser(make_primus: Any) -> None:
    primus = make_primus(PLUGIN, parser="msgpack", multiplex_name=256)
    news, id = primus.channel("news"), "i" * 200
    _, wire = join(primus)
    wire.receive(primus.parser.encode([1, id, "news"]))

    news.write("hi")

    assert [primus.parser.decode(frame) for frame in wire.sent] == [[0, id, "news", "hi"]]
