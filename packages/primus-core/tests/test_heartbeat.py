import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.heartbeat import Action, Deadlines, Generation, HeartbeatPolicy, HeartbeatState

POLICY = HeartbeatPolicy(timeout=35.0, ping_interval=30.0)


def test_nothing_happens_before_the_first_interval_is_over() -> None:
    state = HeartbeatState(now=100.0)
    assert POLICY.check(state, 100.0) == (Action.WAIT, 130.0)
    assert POLICY.check(state, 129.9) == (Action.WAIT, 130.0)
    assert state.generation is Generation.UNKNOWN


def test_a_client_that_has_not_pinged_by_then_is_modern_and_is_pinged() -> None:
    state = HeartbeatState(now=100.0)
    assert POLICY.check(state, 130.0) == (Action.PING, 160.0)
    assert state.generation is Generation.MODERN
    assert state.pinged == 130.0


def test_a_client_that_answers_is_pinged_again() -> None:
    state = HeartbeatState(now=100.0)
    POLICY.check(state, 130.0)
    state.seen = 130.2
    assert POLICY.check(state, 160.0) == (Action.PING, 190.0)


def test_a_client_that_does_not_answer_by_the_next_ping_is_ended() -> None:
    state = HeartbeatState(now=100.0)
    POLICY.check(state, 130.0)
    assert POLICY.check(state, 159.9)[0] is Action.WAIT
    assert POLICY.check(state, 160.0) == (Action.END, math.inf)


def test_a_sign_of_life_at_the_time_of_the_ping_counts() -> None:
    state = HeartbeatState(now=100.0)
    POLICY.check(state, 130.0)
    state.seen = 130.0
    assert POLICY.check(state, 160.0)[0] is Action.PING


def test_a_busy_client_is_pinged_at_the_interval_all_the_same() -> None:
    state = HeartbeatState(now=100.0)
    state.seen = 129.0
    assert POLICY.check(state, 130.0)[0] is Action.PING


def test_a_client_that_owes_a_pong_has_at_least_the_timeout() -> None:
    policy = HeartbeatPolicy(timeout=100.0, ping_interval=10.0)
    state = HeartbeatState(now=0.0)
    policy.check(state, 10.0)
    assert policy.check(state, 95.0)[0] is Action.PING
    assert policy.check(state, 99.9) == (Action.WAIT, 100.0)
    assert policy.check(state, 100.0)[0] is Action.END


def test_pings_go_on_at_their_interval_while_an_answer_is_owed() -> None:
    policy = HeartbeatPolicy(timeout=10.0, ping_interval=1.0)
    state = HeartbeatState(now=0.0)
    assert policy.check(state, 1.0) == (Action.PING, 2.0)
    assert policy.check(state, 2.0) == (Action.PING, 3.0)
    state.seen = 2.5  # the answer to the first one
    assert policy.check(state, 3.0) == (Action.PING, 4.0)
    assert policy.check(state, 4.0) == (Action.PING, 5.0)


def test_the_time_of_an_answer_that_is_owed_is_not_put_off_by_further_pings() -> None:
    policy = HeartbeatPolicy(timeout=5.0, ping_interval=2.0)
    state = HeartbeatState(now=0.0)
    asked = [now for now in (2.0, 4.0, 4.9) if policy.check(state, now)[0] is Action.PING]
    assert asked == [2.0, 4.0]
    assert policy.check(state, 5.0) == (Action.END, math.inf)


def test_a_client_that_has_pinged_is_legacy_and_ended_after_the_timeout_of_silence() -> None:
    state = HeartbeatState(now=100.0)
    state.generation, state.seen = Generation.LEGACY, 125.0
    assert POLICY.check(state, 130.0) == (Action.WAIT, 160.0)
    assert POLICY.check(state, 160.0) == (Action.END, math.inf)


def test_a_silent_newcomer_is_not_ended_before_it_was_pinged() -> None:
    policy = HeartbeatPolicy(timeout=5.0, ping_interval=30.0)
    assert policy.check(HeartbeatState(now=0.0), 29.0) == (Action.WAIT, 30.0)


def test_without_a_ping_interval_silence_decides() -> None:
    policy = HeartbeatPolicy(timeout=35.0, ping_interval=None)
    assert policy.check(HeartbeatState(now=0.0), 34.0) == (Action.WAIT, 35.0)
    assert policy.check(HeartbeatState(now=0.0), 35.0) == (Action.END, math.inf)


def test_without_a_timeout_no_client_is_ended() -> None:
    policy = HeartbeatPolicy(timeout=None, ping_interval=30.0)
    state = HeartbeatState(now=0.0)
    assert policy.check(state, 30.0)[0] is Action.PING
    assert policy.check(state, 1e9)[0] is Action.PING
    state.generation = Generation.LEGACY
    assert policy.check(state, 1e9) == (Action.WAIT, math.inf)


def test_with_neither_there_is_nothing_to_do() -> None:
    policy = HeartbeatPolicy(timeout=None, ping_interval=None)
    assert policy.check(HeartbeatState(now=0.0), 1e9) == (Action.WAIT, math.inf)


@given(
    policy=st.builds(HeartbeatPolicy, st.none() | st.floats(1, 100), st.none() | st.floats(1, 100)),
    generation=st.sampled_from(Generation),
    now=st.floats(0, 1e6),
)
def test_the_first_look_is_when_a_check_would_have_it(
    policy: HeartbeatPolicy, generation: Generation, now: float
) -> None:
    state = HeartbeatState(now, generation)
    assert (Action.WAIT, now + policy.first(generation)) == policy.check(state, now)


@given(
    timeout=st.floats(1, 100),
    interval=st.floats(1, 100),
    signs=st.lists(st.floats(0, 50), max_size=20),
)
def test_a_check_never_asks_to_look_again_in_the_past(
    timeout: float, interval: float, signs: list[float]
) -> None:
    policy, state, now = HeartbeatPolicy(timeout, interval), HeartbeatState(0.0), 0.0
    for sign in signs:
        state.seen = max(state.seen, now + sign - 25)
        action, again = policy.check(state, now)
        if action is Action.END:
            return
        assert again > now
        now = again


@pytest.mark.parametrize("generation", list(Generation))
def test_generations_are_named_like_the_option(generation: Generation) -> None:
    assert Generation(generation.value) is generation


# -- deadlines


def deadlines(granularity: float = 1.0, items: Iterable[tuple[str, float]] = ()) -> Deadlines[str]:
    table: Deadlines[str] = Deadlines(granularity)
    for item, when in items:
        table.put(item, when)
    return table


def test_what_is_due_is_taken_out_in_the_order_of_times() -> None:
    table = deadlines(items=[("late", 9.0), ("early", 1.0), ("middle", 5.0)])
    assert table.due(5.0) == ["early", "middle"]
    assert table.due(5.0) == []
    assert len(table) == 1
    assert table.next() == 9.0


def test_nothing_is_due_before_its_time() -> None:
    table = deadlines(granularity=0.5, items=[("one", 1.2)])
    assert table.next() == 1.5
    assert table.due(1.49) == []
    assert table.due(1.5) == ["one"]


def test_an_item_that_is_put_again_has_its_new_time_only() -> None:
    table = deadlines(items=[("one", 1.0), ("one", 3.0)])
    assert table.due(2.0) == []
    assert table.due(3.0) == ["one"]


def test_an_item_that_is_never_due_is_not_kept() -> None:
    table = deadlines(items=[("one", 1.0), ("one", math.inf)])
    assert len(table) == 0
    assert table.next() is None


def test_an_item_that_is_discarded_is_forgotten() -> None:
    table = deadlines(items=[("one", 1.0), ("two", 1.0)])
    table.discard("one")
    table.discard("one")
    assert table.due(1.0) == ["two"]
    assert table.next() is None


def test_thousands_of_items_share_few_buckets() -> None:
    table = deadlines(items=[(str(n), n / 1000) for n in range(5000)])
    assert len(table._buckets) <= 6
    assert len(table.due(5.0)) == 5000
