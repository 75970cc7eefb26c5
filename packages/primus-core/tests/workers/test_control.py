"""The channel between a supervisor and a worker, of which one has gone."""

import socket

from primus.workers.control import Control


async def test_a_message_to_an_end_that_has_gone_leaves_nothing_for_the_log() -> None:
    ours, its = socket.socketpair()
    control = await Control.open(ours)
    its.close()

    control.say("alive?")

    assert await control.hear() is None
    # What asyncio logs when it forgets a future depends on the order in which it forgets.
    closed = control._writer._protocol._closed  # type: ignore[attr-defined]
    assert closed.done()
    assert not closed._log_traceback
    control.say("alive?")


async def test_messages_go_both_ways_until_one_end_closes() -> None:
    ours, its = socket.socketpair()
    one, other = await Control.open(ours), await Control.open(its)
    one.say("known", number=7)
    other.say("ready")
    one.close()

    assert await other.hear() == {"is": "known", "number": 7}
    assert await other.hear() is None
