import pytest

from primus_backplane.batches import packed, parted, single, unpacked
from primus_backplane.errors import InvalidEnvelope
from primus_backplane.limits import BusLimits
from primus_backplane.outbox import Outbox

LIMITS = BusLimits(batch_bytes=10, batch_envelopes=3, flush_bytes=20)


class Box(Outbox[str]):
    """An outbox that notes what was dropped."""

    def __init__(self, most: int = 1000, limits: BusLimits = LIMITS) -> None:
        self.lost: list[int] = []
        super().__init__(limits, most, self.lost.append)

    def sent(self, now: float = 0.0) -> dict[str, list[list[bytes]]]:
        """What goes now, by lane."""
        return {
            lane: [batch.envelopes for batch in batches] for lane, batches in self.take(now).items()
        }


def fill(box: Box, lane: str, *envelopes: bytes, at: float = 0.0) -> None:
    for envelope in envelopes:
        box.add(lane, envelope, at)


def test_what_is_posted_goes_together() -> None:
    box = Box()
    fill(box, "a", b"1", b"2", b"3")

    assert box.sent() == {"a": [[b"1", b"2", b"3"]]}


def test_a_batch_has_no_more_envelopes_and_bytes_than_it_may() -> None:
    box = Box()
    fill(box, "a", b"1", b"2", b"3", b"4", b"5" * 10, b"6" * 50, b"7")

    assert box.sent() == {"a": [[b"1", b"2", b"3"], [b"4"], [b"5" * 10]]}
    box.done("a", 3)
    assert box.sent() == {"a": [[b"6" * 50]]}
    box.done("a", 1)
    assert box.sent() == {"a": [[b"7"]]}
    box.done("a", 1)
    assert (bool(box), box.size) == (False, 0)


def test_limits_may_be_reached() -> None:
    box = Box(most=30)
    fill(box, "a", b"1" * 5, b"2" * 5, b"3" * 10, b"4" * 10)

    assert box.sent() == {"a": [[b"1" * 5, b"2" * 5], [b"3" * 10]]}
    assert (box.lost, box.size) == ([], 30)


def test_what_is_posted_does_not_join_what_wants_an_answer() -> None:
    box, answers = Box(), []
    box.add("a", b"1", 0.0, answers.append)
    fill(box, "a", b"2")

    assert box.sent() == {"a": [[b"1"], [b"2"]]}


def test_a_lane_that_has_become_empty_waits_for_nothing() -> None:
    box = Box()
    fill(box, "a", b"1")
    box.take(0.0)
    box.failed("a", until=5.0)
    box.expire(1.0)
    fill(box, "a", b"2")

    assert box.sent(2.0) == {"a": [[b"2"]]}


def test_lanes_do_not_hold_one_another_back() -> None:
    box = Box()
    fill(box, "a", b"1")
    fill(box, "b", b"2")
    box.take(0.0)
    box.failed("a", until=5.0)
    box.done("b", 1)
    fill(box, "b", b"3")

    assert box.sent(4.9) == {"b": [[b"3"]]}
    box.failed("b")
    assert box.sent(5.0) == {"a": [[b"1"]], "b": [[b"3"]]}


def test_nothing_is_added_to_what_is_under_way() -> None:
    box = Box()
    fill(box, "a", b"1")
    box.take(0.0)
    fill(box, "a", b"2", b"3")
    box.failed("a")

    assert box.sent() == {"a": [[b"1"], [b"2", b"3"]]}


def test_what_wants_an_answer_goes_alone_and_is_answered() -> None:
    box, answers = Box(), []
    box.add("a", b"1", 0.0, answers.append)
    box.add("a", b"2", 0.0, answers.append)
    told = box.told

    assert box.sent() == {"a": [[b"1"], [b"2"]]}
    box.done("a", 1, True)
    box.done("a", 1, False)
    assert (told, box.told, answers) == (2, 0, [True, False])


def test_the_oldest_of_all_lanes_go_beyond_the_limit() -> None:
    box = Box(most=20)
    fill(box, "a", b"1" * 8, at=1.0)
    fill(box, "b", b"2" * 8, at=2.0)
    fill(box, "a", b"3" * 8, at=3.0)

    assert box.lost == [1]
    assert box.sent() == {"b": [[b"2" * 8]], "a": [[b"3" * 8]]}
    assert box.size == 16


def test_what_is_under_way_is_not_dropped() -> None:
    box = Box(most=20)
    fill(box, "a", b"1" * 8, b"2" * 8)
    box.take(0.0)
    fill(box, "a", b"3" * 8)
    fill(box, "a", b"4" * 8)

    assert box.lost == [1]
    box.done("a", 2)
    assert box.sent() == {"a": [[b"4" * 8]]}


def test_the_newest_is_kept_however_long_it_is() -> None:
    box = Box(most=20)
    fill(box, "a", b"1", b"2" * 100)

    assert box.lost == [1]
    assert box.sent() == {"a": [[b"2" * 100]]}


def test_what_has_waited_for_too_long_is_dropped_unless_it_is_under_way() -> None:
    box, answers = Box(), []
    box.add("a", b"1", 1.0, answers.append)
    fill(box, "b", b"2", at=1.0)
    fill(box, "b", b"3" * 10, at=3.0)
    box.take(0.0)
    box.failed("a")
    box.expire(2.0)

    assert (answers, box.lost) == ([None], [])
    box.failed("b")
    box.expire(2.0)
    assert box.lost == [1]
    assert box.sent() == {"b": [[b"3" * 10]]}


def test_everything_can_be_dropped() -> None:
    box = Box()
    fill(box, "a", b"1", b"2" * 10)
    fill(box, "b", b"3")

    box.clear()

    assert (sum(box.lost), bool(box), box.size) == (3, False, 0)


@pytest.mark.parametrize("envelopes", [[], [b""], [b"", b"a", b""], [b"x" * 70_000, b"\0\0"]])
def test_what_was_packed_is_unpacked(envelopes: list[bytes]) -> None:
    assert unpacked(packed(envelopes), 3) == envelopes


@pytest.mark.parametrize(
    "entry", [b"\0", b"\0\0\0", b"\0\0\0\1", b"\xff\xff\xff\xffabc", b"\0\0\0\1a\0\0\0\5b"]
)
def test_what_is_broken_off_is_no_entry(entry: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        unpacked(entry, 10)


def test_an_entry_has_no_more_envelopes_than_it_may() -> None:
    assert len(unpacked(packed([b""] * 3), 3)) == 3
    with pytest.raises(InvalidEnvelope):
        unpacked(packed([b""] * 4), 3)


@pytest.mark.parametrize(
    ("entry", "envelope"),
    [
        (b"\0\0\0\1a", b"a"),
        (b"\0\0\0\1a\0\0\0\1b", None),
        (b"\0\0\0\2a", None),
        (b"\0\0\0\0", None),
        (b"\0\0", None),
        (b"", None),
    ],
)
def test_an_entry_of_a_single_envelope_is_known(entry: bytes, envelope: bytes | None) -> None:
    assert single(entry) == envelope


def test_more_goes_behind_what_is_under_way_up_to_the_same_size() -> None:
    box = Box()
    fill(box, "a", b"1" * 8)
    box.take(0.0)
    fill(box, "a", b"2" * 8, b"3" * 8)

    assert box.sent() == {"a": [[b"2" * 8]]}
    assert box.sent() == {}
    box.done("a", 1)
    assert box.sent() == {"a": [[b"3" * 8]]}


def test_what_wants_an_answer_waits_for_what_is_under_way() -> None:
    box = Box()
    box.add("a", b"1", 0.0, print)
    box.take(0.0)
    box.add("a", b"2", 0.0, print)

    assert box.sent() == {}
    box.done("a", 1)
    assert box.sent() == {"a": [[b"2"]]}


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([1, 1, 1], [[1, 1, 1]]),
        ([6, 6], [[6, 6]]),
        ([6, 6, 1], [[6, 6], [1]]),
        ([17], [[17]]),
        ([1, 17, 1], [[1], [17], [1]]),
        ([16, 1, 1], [[16], [1, 1]]),
        ([17, 17], [[17], [17]]),
    ],
)
def test_envelopes_are_parted_so_that_each_entry_is_short_enough(
    lengths: list[int], parts: list[list[int]]
) -> None:
    entries = parted([bytes(length) for length in lengths], 20)

    assert [[len(each) for each in unpacked(entry, 10)] for entry in entries] == parts
