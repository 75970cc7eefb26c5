import logging

import pytest

from primus.client.receive_buffer import ReceiveBuffer


def test_of_messages_that_nothing_reads_the_newest_are_kept_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    buffer = ReceiveBuffer(10_000, logging.getLogger("primus.client"))
    for number in range(1000):
        buffer.put(number, "x" * 744)
    assert [data for data, _ in buffer.take()] == list(range(990, 1000))
    assert len(caplog.records) == 1


def test_one_message_is_kept_however_long_it_is() -> None:
    buffer = ReceiveBuffer(10, logging.getLogger("primus.client"))
    buffer.put("long", "x" * 1000)
    assert buffer.take() == [("long", "x" * 1000)]


def test_room_that_was_given_back_can_be_used_again() -> None:
    buffer = ReceiveBuffer(1000, logging.getLogger("primus.client"))
    for _ in range(10):
        for number in range(3):
            buffer.put(number, "")
        assert [data for data, _ in buffer.take(3)] == [0, 1, 2]
