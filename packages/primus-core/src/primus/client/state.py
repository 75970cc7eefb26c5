"""The states of a client as one table: what happens, what comes of it, and what is done (pure).

A row says: in this state, when this happens, do these actions in this order, and be in that state
from before the first of them on. What has no row changes nothing.

**Any action may call listeners, and any listener may end or open the connection.** The rule for
that is no part of a row: an event that leads to actions while others run takes the place of what
is left of those (`Machine`). So a row never asks whether the connection is still the same; where
more is to follow what listeners are told, the row names an event of its own as its last action.

The browser client has the same table (``browser/js/state.js``), and both are compared with the
golden files ``client-transitions.json`` and ``client-conversations.json`` in ``tests/golden/``.
An action that only the client in Python has is left out there. Where the browser client has to
wait for transforms and parsers, the next event comes later; in Python it comes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

__all__ = [
    "ALWAYS",
    "FINAL",
    "OVER",
    "Action",
    "Event",
    "Machine",
    "State",
    "Step",
    "step",
    "transitions",
]


class State(StrEnum):
    """What a client is doing."""

    NEW = "new"
    """Made, and never told to open."""
    SCHEDULED = "scheduled"
    """Opens on the next turn of the loop."""
    CONNECTING = "connecting"
    """The first attempt is under way."""
    REFUSED = "refused"
    """The first attempt has failed, and the listeners are being told."""
    OPEN = "open"
    LEAVING = "leaving"
    """Open, and the server has said that it closes on purpose."""
    ENDING = "ending"
    """Ended by the user; closes once what was written is on its way."""
    WAITING = "waiting"
    """The next attempt to reconnect is scheduled."""
    RETRYING = "retrying"
    """An attempt to reconnect is under way."""
    SUSPENDED = "suspended"
    """Ended since the machine is offline, until it is online again."""
    STRANDED = "stranded"
    """Ended since the machine is offline, for good."""
    ENDED = "ended"
    DESTROYED = "destroyed"


OVER: Final = frozenset({State.NEW, State.SUSPENDED, State.STRANDED, State.ENDED, State.DESTROYED})
"""The states in which nothing is under way."""

FINAL: Final = frozenset({State.ENDING, State.STRANDED, State.ENDED, State.DESTROYED})
"""The states in which nothing is accepted for sending: the client does not come back by itself."""


class Event(StrEnum):
    """What happens to a client."""

    CALL_OPEN = "open()"
    CALL_END = "end()"
    CALL_DESTROY = "destroy()"
    TURN = "turn"
    """The turn of the loop has come on which a new client opens."""
    OPENED = "opened"
    """The wire is open."""
    FAILED = "failed"
    """The wire could not be opened: ``error``."""
    USELESS = "useless"
    """The options cannot work, so another attempt would fail alike: ``error``."""
    LATE = "late"
    """The first attempt takes longer than ``timeout``: ``error``."""
    GIVE_UP = "give up"
    """The listeners know that the first attempt has failed."""
    SERVER_CLOSE = "server close"
    """The server has said that it closes on purpose."""
    GONE = "gone"
    """The wire is gone."""
    LOST = "lost"
    """What the wire has brought before it went is delivered."""
    SETTLED = "settled"
    """What was written before the end is on its way."""
    SILENT = "silent"
    """The server has given no sign of life for too long."""
    DROP = "drop"
    """The connection is to be dropped at once."""
    DUE = "due"
    """The time of an attempt to reconnect has come: ``attempt``."""
    ATTEMPT_LATE = "attempt late"
    """An attempt to reconnect takes too long: ``error``, ``attempt``."""
    EXHAUSTED = "exhausted"
    """There were as many attempts as are allowed: ``error``, ``attempt``."""
    OFFLINE = "offline"
    """The machine has gone offline."""
    SUSPEND = "suspend"
    """The listeners know that the machine is offline."""
    ONLINE = "online"
    """The machine is online again."""
    RESUME = "resume"
    """The listeners know that the machine is online."""


class Action(StrEnum):
    """What is done, in the words of the golden file. Each is one method of `Socket`."""

    CANCEL_TURN = "cancel the turn"
    WATCH_NETWORK = "watch the network"
    UNWATCH_NETWORK = "unwatch the network"
    START_TIMEOUT = "start the connect timeout"
    STOP_TIMEOUT = "stop the connect timeout"
    DIAL = "dial"
    """Reports `Event.OPENED`, `Event.FAILED` or `Event.USELESS`."""
    STOP_DIALLING = "stop dialling"
    ABORT_WIRE = "abort the wire"
    CLOSE_WIRE = "close the wire"
    """Behind all that was written."""
    SETTLE = "settle what was written"
    """Reports `Event.SETTLED`."""
    DELIVER = "deliver what has arrived"
    """Reports `Event.LOST`."""
    RENEW_ITERATION = "renew the iteration"
    FINISH_ITERATION = "finish the iteration"
    DROP_INBOX = "drop the inbox"
    SEND_QUEUE = "send the queue"
    START_HEARTBEAT = "start the heartbeat"
    STOP_HEARTBEAT = "stop the heartbeat"
    ASK_ID = "ask for the id"
    READ = "read"
    WAKE_OPENED = "wake what waits for the opening"
    FAIL_OPENED = "fail what waits for the opening"
    FAIL_WAITING = "fail what waits for the connection"
    SCHEDULE = "schedule an attempt"
    NEXT_ATTEMPT = "schedule the next attempt"
    RESET_RECOVERY = "reset the recovery"
    LOG_FAILURE = "log the failure"
    BECOME_OPENING = "become opening"
    BECOME_OPEN = "become open"
    BECOME_CLOSED = "become closed"
    GO_OFFLINE = "go offline"
    GO_ONLINE = "go online"
    TELL_OPENED = "emit incoming::open"
    TELL_LOST = "emit incoming::end"
    TELL_FAILED = "emit incoming::error"
    TELL_RETRY = "emit outgoing::reconnect"
    TELL_END = "emit outgoing::end"
    EMIT_OPEN = "emit open"
    EMIT_CLOSE = "emit close"
    EMIT_END = "emit end"
    EMIT_ERROR = "emit error"
    EMIT_TIMEOUT = "emit timeout"
    EMIT_RECONNECT = "emit reconnect"
    EMIT_RECONNECTED = "emit reconnected"
    EMIT_RECONNECT_TIMEOUT = "emit reconnect timeout"
    EMIT_RECONNECT_FAILED = "emit reconnect failed"
    EMIT_DESTROY = "emit destroy"
    RELEASE = "release what is held"
    REMOVE_LISTENERS = "remove all listeners"


ALWAYS: Final = frozenset({Action.EMIT_RECONNECT_FAILED})
"""Actions that run whatever listeners have done since: they tell how a procedure has ended."""

S, E, A = State, Event, Action
Step = tuple[State, tuple[Action | Event, ...]]
"""The next state, and what is done; an event among the actions is handled in its turn."""

BEGIN: Final = (
    A.CANCEL_TURN,
    A.RESET_RECOVERY,
    A.STOP_DIALLING,
    A.CLOSE_WIRE,
    A.RENEW_ITERATION,
    A.WATCH_NETWORK,
    A.START_TIMEOUT,
    A.BECOME_OPENING,
    A.DIAL,
)
OPENING: Final = (
    A.GO_ONLINE,
    A.BECOME_OPEN,
    A.START_HEARTBEAT,
    A.SEND_QUEUE,
    A.WAKE_OPENED,
    A.EMIT_OPEN,
    A.ASK_ID,
    A.READ,
)
HALT: Final = (
    A.CANCEL_TURN,
    A.STOP_TIMEOUT,
    A.RESET_RECOVERY,
    A.STOP_HEARTBEAT,
    A.STOP_DIALLING,
    A.DROP_INBOX,
    A.CLOSE_WIRE,
    A.BECOME_CLOSED,
    A.TELL_END,
    A.EMIT_CLOSE,
)
DEPART: Final = (A.STOP_HEARTBEAT, A.TELL_LOST, A.DELIVER)
INTERRUPT: Final = (A.BECOME_CLOSED, A.EMIT_CLOSE)
STAY_AWAY: Final = (A.FAIL_WAITING, A.FINISH_ITERATION, A.EMIT_END)
CONCLUDE: Final = (A.UNWATCH_NETWORK, *STAY_AWAY)
RELEASE: Final = (A.RELEASE, A.EMIT_DESTROY, A.REMOVE_LISTENERS)

UNOPENED: Final = (S.SCHEDULED, S.CONNECTING, S.REFUSED, S.RETRYING)
"""Something is under way, but there is no connection that could take along what was written."""
CONNECTED: Final = (S.OPEN, S.LEAVING)
ACTIVE: Final = (*UNOPENED, *CONNECTED)
"""Something is under way that has to be halted."""
AWAY: Final = (S.SUSPENDED, S.STRANDED)
"""The machine is offline, and the listeners know that the connection has ended."""

Choice = tuple[str, Step, Step]
"""A strategy, the step with it, and the step without it."""

TABLE: Final[dict[tuple[State, Event], Step | Choice]] = {
    # Opening
    **{
        (state, E.CALL_OPEN): (S.CONNECTING, BEGIN)
        for state in (S.NEW, S.SCHEDULED, S.WAITING, *AWAY, S.ENDED)
    },
    (S.SCHEDULED, E.TURN): (S.CONNECTING, BEGIN),
    (S.CONNECTING, E.OPENED): (S.OPEN, (A.TELL_OPENED, A.STOP_TIMEOUT, *OPENING)),
    (S.CONNECTING, E.FAILED): (
        S.REFUSED,
        (A.TELL_FAILED, A.STOP_TIMEOUT, A.FAIL_OPENED, A.EMIT_ERROR, E.GIVE_UP),
    ),
    (S.CONNECTING, E.LATE): (S.REFUSED, (A.FAIL_OPENED, A.EMIT_TIMEOUT, E.GIVE_UP)),
    (S.CONNECTING, E.USELESS): (
        S.CONNECTING,
        (A.TELL_FAILED, A.FAIL_OPENED, A.EMIT_ERROR, E.CALL_END),
    ),
    (S.REFUSED, E.GIVE_UP): (
        "timeout",
        (S.WAITING, (A.STOP_DIALLING, A.BECOME_CLOSED, A.SCHEDULE)),
        (S.ENDED, (*HALT, *CONCLUDE)),
    ),
    # Losing
    (S.OPEN, E.SERVER_CLOSE): (S.LEAVING, ()),
    **{(state, E.GONE): (state, DEPART) for state in (*CONNECTED, S.ENDING)},
    (S.OPEN, E.LOST): (
        "disconnect",
        (S.WAITING, (*INTERRUPT, A.SCHEDULE)),
        (S.ENDED, (*INTERRUPT, A.TELL_END, *CONCLUDE)),
    ),
    (S.LEAVING, E.LOST): (S.ENDED, (*HALT, *CONCLUDE)),
    (S.ENDING, E.LOST): (S.ENDED, (*HALT, *CONCLUDE)),
    **{(state, E.SILENT): (state, (A.GO_OFFLINE, E.DROP)) for state in (*CONNECTED, S.ENDING)},
    **{(state, E.DROP): (state, (A.ABORT_WIRE, E.GONE)) for state in (*CONNECTED, S.ENDING)},
    # Recovering
    (S.WAITING, E.DUE): (
        S.RETRYING,
        (A.TELL_RETRY, A.BECOME_OPENING, A.EMIT_RECONNECT, A.DIAL),
    ),
    (S.WAITING, E.EXHAUSTED): (S.ENDED, (*CONCLUDE, A.EMIT_RECONNECT_FAILED)),
    (S.RETRYING, E.OPENED): (
        S.OPEN,
        (A.TELL_OPENED, A.EMIT_RECONNECTED, *OPENING),
    ),
    (S.RETRYING, E.FAILED): (
        S.WAITING,
        (A.TELL_FAILED, A.STOP_DIALLING, A.BECOME_CLOSED, A.LOG_FAILURE, A.NEXT_ATTEMPT),
    ),
    (S.RETRYING, E.USELESS): (
        S.RETRYING,
        (A.TELL_FAILED, A.FAIL_OPENED, A.EMIT_ERROR, E.CALL_END),
    ),
    (S.RETRYING, E.ATTEMPT_LATE): (
        S.WAITING,
        (A.STOP_DIALLING, A.BECOME_CLOSED, A.EMIT_RECONNECT_TIMEOUT, A.NEXT_ATTEMPT),
    ),
    # The network
    **{(state, E.OFFLINE): (state, (A.GO_OFFLINE, E.SUSPEND)) for state in (*ACTIVE, S.WAITING)},
    (S.ENDING, E.OFFLINE): (S.ENDING, (A.GO_OFFLINE, E.SETTLED)),
    **{(state, E.OFFLINE): (state, (A.GO_OFFLINE,)) for state in (S.NEW, *AWAY, S.ENDED)},
    **{(state, E.SUSPEND): (S.WAITING, (*HALT, E.SUSPEND)) for state in ACTIVE},
    (S.WAITING, E.SUSPEND): (
        "online",
        (S.SUSPENDED, (A.RESET_RECOVERY, A.FAIL_WAITING, A.EMIT_END)),
        (S.STRANDED, (A.RESET_RECOVERY, *STAY_AWAY)),
    ),
    **{
        (state, E.ONLINE): (state, (A.GO_ONLINE,))
        for state in (S.NEW, *ACTIVE, S.ENDING, S.WAITING, S.STRANDED, S.ENDED)
    },
    (S.SUSPENDED, E.ONLINE): (S.SUSPENDED, (A.GO_ONLINE, E.RESUME)),
    (S.SUSPENDED, E.RESUME): (S.WAITING, (A.SCHEDULE,)),
    # Ending
    (S.NEW, E.CALL_END): (S.NEW, (A.FINISH_ITERATION,)),
    **{(state, E.CALL_END): (S.ENDED, (*HALT, *CONCLUDE)) for state in UNOPENED},
    **{(state, E.CALL_END): (S.ENDING, (A.SETTLE,)) for state in CONNECTED},
    (S.ENDING, E.SETTLED): (S.ENDED, (*HALT, *CONCLUDE)),
    (S.WAITING, E.CALL_END): (S.ENDED, (A.RESET_RECOVERY, *CONCLUDE)),
    **{(state, E.CALL_END): (S.ENDED, (A.UNWATCH_NETWORK, A.FINISH_ITERATION)) for state in AWAY},
    **{
        (state, E.CALL_DESTROY): (S.DESTROYED, (*HALT, *CONCLUDE, *RELEASE))
        for state in (*ACTIVE, S.ENDING)
    },
    (S.WAITING, E.CALL_DESTROY): (S.DESTROYED, (A.RESET_RECOVERY, *CONCLUDE, *RELEASE)),
    **{
        (state, E.CALL_DESTROY): (
            S.DESTROYED,
            (A.UNWATCH_NETWORK, A.FAIL_WAITING, A.FINISH_ITERATION, *RELEASE),
        )
        for state in (S.NEW, *AWAY, S.ENDED)
    },
}


def step(state: State, event: Event, strategy: frozenset[str]) -> Step | None:
    """What an event leads to; `None` when it changes nothing.

    Args:
        state: what the client is doing.
        event: what happens.
        strategy: when to reconnect: any of ``disconnect``, ``online`` and ``timeout``.
    """
    row: Any = TABLE.get((state, event))
    if row is None or isinstance(row[0], State):
        found: Step | None = row
        return found
    wanted, chosen, otherwise = row
    result: Step = chosen if wanted in strategy else otherwise
    return result


class Machine:
    """Runs the table for one client.

    Args:
        state: where it begins.
        strategy: when to reconnect.
        act: does an action, with the arguments of the event.
    """

    __slots__ = ("_act", "_handled", "_strategy", "state")

    def __init__(self, state: State, strategy: frozenset[str], act: Callable[..., None]) -> None:
        self.state = state
        self._strategy = strategy
        self._act = act
        self._handled = 0

    def handle(self, event: Event, *args: Any) -> bool:
        """Do what an event leads to; False when it changes nothing.

        What is left of the actions of an earlier event, if one of them has led here, is not
        done any more, but for those in `ALWAYS`. An event without actions leaves them alone.
        """
        row = step(self.state, event, self._strategy)
        if row is None:
            return False
        self.state, actions = row
        if not actions:
            return True
        self._handled += 1
        handled = self._handled
        for action in actions:
            if handled != self._handled and action not in ALWAYS:
                continue
            if isinstance(action, Event):
                self.handle(action, *args)
            else:
                self._act(action, *args)
        return True


def transitions() -> list[dict[str, Any]]:
    """Every transition in words, for the golden file."""
    found: list[dict[str, Any]] = []
    for (state, event), row in TABLE.items():
        steps: list[tuple[str | None, Any]]
        if isinstance(row[0], State):
            steps = [(None, row)]
        else:
            wanted, chosen, otherwise = row  # type: ignore[misc]
            steps = [(wanted, chosen), (f"no {wanted}", otherwise)]
        for strategy, (following, actions) in steps:
            entry: dict[str, Any] = {"state": str(state), "event": str(event)}
            if strategy is not None:
                entry["strategy"] = strategy
            found.append({**entry, "next": str(following), "actions": [str(a) for a in actions]})
    return found
