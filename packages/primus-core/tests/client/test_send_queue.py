import math

from primus.client.send_queue import SendQueue


def test_the_oldest_message_is_dropped_for_one_more_than_there_is_room_for() -> None:
    queue = SendQueue(2)
    for number in range(4):
        queue.put(print, number)
    assert [queue.take() for _ in range(len(queue))] == [(print, 2), (print, 3)]


def test_a_queue_without_a_size_keeps_everything() -> None:
    queue = SendQueue(math.inf)
    for number in range(1000):
        queue.put(print, number)
    assert len(queue) == 1000


def test_a_queue_that_is_cleared_is_empty() -> None:
    queue = SendQueue(2)
    queue.put(print, 1)
    queue.clear()
    assert len(queue) == 0
