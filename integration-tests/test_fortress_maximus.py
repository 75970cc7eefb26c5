"""The plugin ``fortress-maximus`` beside its counterpart for Node: the same packets, same verdicts.

Never sent to a Node peer, since it kills its process: a message that is ``null``, and an event of
primus-emit without a name.
"""

from typing import Any

import pytest

from harness.casts import OURS_IN_PYTHON
from harness.pairs import Pair
from harness.parties import Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

DATA: list[Any] = [
    *("hello", "no", "yes", "text", "error", "nothing", ""),
    *(0, 1.5, True, False, {}, {"a": [None]}, [], [1, [2]]),
    *({"emit": "news"}, {"emit": {}}, {"emit": None}, {"emit": {"0": "news"}}, {"Emit": ["news"]}),
    *({"type": 0, "data": ["news", 1, 1]}, {"type": 1, "data": [], "id": 1}, ["emit", ["news"]]),
    *({"substream": "x", "args": 1}, {"plugin": "primus-responder", "requestId": "1", "data": 1}),
]
"""Messages that are no events of primus-emit."""

EVENTS: list[Any] = [
    *(["news", 1, 1], ["news", 1, 2], ["news", "a", "a"], ["news", None, None], ["news", {}, 1]),
    *(["news"], ["news", 1], ["news", 1, 1, 1], ["later", "good"], ["later", "bad"], ["later"]),
    *(["none"], ["none", 1], ["none", None], ["unheard", 1], ["unheard"], ["unknown"], ["News", 1]),
    *([""], ["", 1], [None], [5], [5, 1], [True], [{}, 1], [["unknown", "x"]], [["end"]]),
    *(["data", "hello"], ["data"], ["end"], ["error", "x"], ["readyStateChange"], ["heartbeat"]),
    *(["connection"], ["disconnection", 1], ["close"], ["plugin"], ["log"], ["initialised"]),
    *(["invalid"], ["incoming::data"], ["outgoing::end", 1], ["incoming:x"], ["open"], ["online"]),
    *(["toString"], ["constructor"], ["__proto__", 1], ["hasOwnProperty"], ["valueOf"]),
    *(["fortress:maximus::news", 1], ["fortress:maximus::unknown"], ["newListener"]),
]
"""Events of primus-emit."""

PACKETS = [*DATA, *({"emit": event} for event in EVENTS)]


LAST = ["later", "that was all"]


async def verdicts(stage: Stage, server_kind: str, mode: str) -> dict[str, list[Any]]:
    """What a server makes of all packets: what is heard, and why the others are refused.

    In Node an event whose validator is async is overtaken by others, so those are kept apart.
    """
    client_kind = "node8" if server_kind == "node8" else "node6"
    is_broadcast = mode == "primus"
    plugin = "primus-emit/broadcast" if is_broadcast else "primus-emit"
    stage.speech = Speech(plugin=f"fortress-maximus, {plugin}")
    hear = ("news", "later", "none")
    server = await Pair(stage, client_kind, server_kind).server(
        fortress=True,
        options={"fortress": mode},
        hear=() if is_broadcast else hear,
        overhear=(*hear, "data") if is_broadcast else (),
    )
    stage.speech = Speech(plugin="primus-emit")
    client = await stage.client(client_kind)
    await client.connect(server.url())
    await client.event("open")

    await client.write(*PACKETS, {"emit": LAST})
    heard = "overheard" if is_broadcast else "heard"
    while (await server.event(heard))["args"] != LAST[1:]:
        """Wait for the last one."""

    passed = [
        # In Node the elements of a list that is data become arguments.
        (each["name"], each["args"] if each["name"] != "data" else "")
        for each in server.seen(heard)
    ]
    refused = [(each["name"], each["text"], each["args"]) for each in server.seen("invalid")]
    told = {
        "passed": [each for each in passed if each[0] != "later"],
        "passed later": [each for each in passed if each[0] == "later"],
        "refused": [each for each in refused if each[0] != "later"],
        "refused later": sorted(each for each in refused if each[0] == "later"),
        "data": [] if is_broadcast else [each["data"] for each in server.seen("data")],
    }
    assert len(PACKETS) + 1 == sum(map(len, told.values()))
    return told


@pytest.mark.parametrize("mode", ["spark", "primus"])
async def test_the_same_packets_get_the_same_verdicts(stage: Stage, mode: str) -> None:
    assert len(PACKETS) >= 60

    ours = await verdicts(stage, OURS_IN_PYTHON, mode)

    assert ours == await verdicts(stage, "node6", mode)
    assert ours == await verdicts(stage, "node8", mode)
