"""The table of a client's states: its golden transitions, conversations, and what always holds."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from primus.client.socket import ACTIONS
from primus.client.state import (
    ALWAYS,
    OVER,
    TABLE,
    Action,
    Event,
    Machine,
    State,
    step,
    transitions,
)

GOLDEN = Path(__file__).parent.parent / "golden"
CONVERSATIONS = json.loads((GOLDEN / "client-conversations.json").read_text("utf-8"))
STRATEGIES = [
    frozenset(chosen)
    for size in range(4)
    for chosen in combinations(("disconnect", "online", "timeout"), size)
]
FED = {Event.GIVE_UP, Event.SUSPEND, Event.RESUME}
"""Events that only rows name: nothing outside happens between them and what they follow."""

READY = {
    State.CONNECTING: Action.BECOME_OPENING,
    State.RETRYING: Action.BECOME_OPENING,
    State.OPEN: Action.BECOME_OPEN,
    State.LEAVING: Action.BECOME_OPEN,
    State.ENDING: Action.BECOME_OPEN,
    State.WAITING: Action.BECOME_CLOSED,
}


def test_the_transitions_are_those_of_the_golden_file() -> None:
    golden = json.loads((GOLDEN / "client-transitions.json").read_text("utf-8"))
    assert transitions() == golden


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda each: each["name"])
def test_a_conversation_goes_as_the_golden_file_says(conversation: dict[str, Any]) -> None:
    done: list[str] = []
    during = dict(conversation.get("during", {}))

    def act(action: Action, *args: Any) -> None:
        done.append(str(action))
        called = during.pop(str(action), None)
        if called is not None:
            machine.handle(Event(called))

    machine = Machine(State(conversation["from"]), frozenset(conversation["strategy"].split()), act)
    for event in conversation["events"]:
        machine.handle(Event(event))

    assert done == conversation["done"]
    assert machine.state == conversation["to"]
    assert not during, "a listener was never called"


def test_every_action_is_named_by_a_row_and_done_by_the_socket() -> None:
    named = {
        action
        for state, event in TABLE
        for strategy in STRATEGIES
        if (found := step(state, event, strategy)) is not None
        for action in found[1]
    }
    assert named & set(Action) == set(Action) == set(ACTIONS)


def test_every_state_can_be_reached_and_every_row_is_used() -> None:
    reached, used = {State.NEW, State.SCHEDULED}, set()
    for _ in State:
        for state, event in TABLE:
            if state in reached:
                used.add((state, event))
                reached |= {
                    found[0] for s in STRATEGIES if (found := step(state, event, s)) is not None
                }
    assert reached == set(State)
    assert used == set(TABLE)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda s: "+".join(sorted(s)) or "none")
def test_no_sequence_of_four_events_breaks_what_always_holds(strategy: frozenset[str]) -> None:
    outside = [event for event in Event if event not in FED]
    frontier = {
        (State.NEW, Action.BECOME_CLOSED, False),
        (State.SCHEDULED, Action.BECOME_CLOSED, False),
    }
    seen = set(frontier)
    for _ in range(4):
        following = set()
        for state, ready, dialling in frontier:
            for event in outside:
                followed = _played(state, ready, dialling, event, strategy)
                if followed not in seen:
                    seen.add(followed)
                    following.add(followed)
        frontier = following
    assert seen


def _played(
    state: State, ready: Action, dialling: bool, event: Event, strategy: frozenset[str]
) -> tuple[State, Action, bool]:
    """Play one event, check what holds, and give the state, the ready state, and if it dials."""
    done: list[Action] = []
    machine = Machine(state, strategy, lambda action, *_: done.append(action))
    machine.handle(event)
    for action in done:
        if action in (Action.BECOME_OPENING, Action.BECOME_OPEN, Action.BECOME_CLOSED):
            ready = action
        if action is Action.DIAL:
            assert not dialling, (state, event, "two wires at once")
            dialling = True
        if action is Action.STOP_DIALLING:
            dialling = False
    if event in (Event.OPENED, Event.FAILED, Event.USELESS):
        dialling = False
    now = machine.state
    assert ready is READY.get(now, ready), (state, event, now)
    if now in OVER:
        assert ready is Action.BECOME_CLOSED, (state, event)
        assert not dialling, (state, event)
    if now in OVER - {State.NEW} and state not in OVER:
        assert done.count(Action.EMIT_END) == 1, (state, event)
        assert Action.FAIL_WAITING in done, (state, event)
    if state is State.DESTROYED:
        assert not done
    return now, ready, dialling


def test_what_is_left_of_an_event_is_not_done_when_a_listener_has_caused_another() -> None:
    done: list[Action] = []

    def act(action: Action, *args: Any) -> None:
        done.append(action)
        if action is Action.EMIT_CLOSE and done.count(action) == 1:
            machine.handle(Event.CALL_OPEN)

    machine = Machine(State.OPEN, frozenset({"disconnect"}), act)
    machine.handle(Event.LOST)

    assert machine.state is State.CONNECTING
    assert Action.SCHEDULE not in done
    assert done[-1] is Action.DIAL


def test_what_tells_the_end_of_a_procedure_is_always_done() -> None:
    done: list[Action] = []

    def act(action: Action, *args: Any) -> None:
        done.append(action)
        if action is Action.EMIT_END:
            machine.handle(Event.CALL_OPEN)

    machine = Machine(State.WAITING, frozenset({"disconnect"}), act)
    machine.handle(Event.EXHAUSTED)

    assert {Action.EMIT_RECONNECT_FAILED} == ALWAYS
    assert done[-1] is Action.EMIT_RECONNECT_FAILED
    assert machine.state is State.CONNECTING
