from primus_cluster.waiting import Message, Waiting


def message(number: int) -> Message:
    return Message("channel", b"%04d" % number)


def test_the_oldest_go_first_and_wait_until_they_are_done() -> None:
    waiting = Waiting(100)
    messages = [message(number) for number in range(3)]
    for each in messages:
        waiting.add(each, 0.0)

    assert waiting.first(2) == messages[:2]
    waiting.done(messages[:2])

    assert waiting.first(2) == messages[2:]
    assert waiting.dropped == 0


def test_beyond_its_bytes_the_oldest_are_dropped_but_never_the_newest() -> None:
    waiting = Waiting(8)
    messages = [message(number) for number in range(3)]
    for each in messages:
        waiting.add(each, 0.0)

    assert (waiting.first(9), waiting.dropped) == (messages[1:], 1)
    long = Message("channel", b"x" * 9)
    waiting.add(long, 0.0)
    assert (waiting.first(9), waiting.dropped) == ([long], 3)


def test_what_waits_for_too_long_is_dropped() -> None:
    waiting = Waiting(100)
    waiting.add(message(0), 1.0)
    waiting.add(message(1), 2.0)

    waiting.expire(2.0)

    assert (waiting.first(9), waiting.dropped) == ([message(1)], 1)


def test_what_was_dropped_meanwhile_is_not_done_twice() -> None:
    waiting = Waiting(8)
    first, second, third = (message(number) for number in range(3))
    waiting.add(first, 0.0)
    waiting.add(second, 0.0)
    under_way = waiting.first(2)

    waiting.add(third, 0.0)
    waiting.done(under_way)

    assert waiting.first(9) == [third]
