"""Answers that are asked for and not read: no connection stays that makes no progress."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from attacks.targets import Target, Targets
from attacks.wires import (
    HOSTS,
    WIRES,
    Raw,
    Wire,
    browserchannel_session,
    engineio_path,
    engineio_session,
    head,
    sockjs_session,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

STALLED = 2
"""Connections that read nothing."""
OPTIONS = {"write_timeout": 0.5}
BIG = 7_000_000
"""Bytes that are more than the kernel takes over."""


async def ask(port: int, path: str, *, method: str = "GET", times: int = 1) -> Raw:
    """Ask for something, and read none of the answer."""
    raw = await Raw.dial(port, buffer=2048)
    more = "Content-Length: 0\r\n" if method == "POST" else ""
    await raw.flood(head(method, path, more) * times, patience=0.1)
    return raw


async def the_library(target: Target) -> None:
    await ask(target.port, "/primus/primus.js", times=80)


async def the_description(target: Target) -> None:
    await ask(target.port, "/primus/spec", times=10_000)


async def refusals(target: Target) -> None:
    await ask(target.port, "/primus/?transport=none", times=10_000)


async def the_answer_to_a_poll(target: Target) -> None:
    sid = await engineio_session(target.port)
    for spark in await target.ask("ids"):
        await target.ask("write", spark=spark, size=BIG)
    await ask(target.port, engineio_path(sid))


async def the_answer_to_a_poll_of_a_session_that_ends(target: Target) -> None:
    await the_answer_to_a_poll(target)
    for spark in await target.ask("ids"):
        await target.ask("end", spark=spark)


async def polled(target: Target, style: str, *, ends: bool = False) -> None:
    path = await sockjs_session(target.port)
    method = "POST" if style.startswith("xhr") else "GET"
    if style in {"xhr", "jsonp?c=x"}:
        for spark in await target.ask("ids"):
            await target.ask("write", spark=spark, size=BIG)
    await ask(target.port, f"{path}/{style}", method=method)
    if style not in {"xhr", "jsonp?c=x"}:
        for spark in await target.ask("ids"):
            await target.ask("write", spark=spark, size=BIG)
    if ends:
        for spark in await target.ask("ids"):
            await target.ask("end", spark=spark)


def sockjs(style: str, *, ends: bool = False) -> Callable[[Target], Awaitable[None]]:
    async def attack(target: Target) -> None:
        await polled(target, style, ends=ends)

    attack.__name__ = style.partition("?")[0] + ("_then_an_end" if ends else "")
    return attack


async def a_back_channel(target: Target) -> None:
    """One that is asked for with something to send, and then sent more, and its end."""
    path = await browserchannel_session(target.port)
    for spark in await target.ask("ids"):
        await target.ask("write", spark=spark, size=BIG)
    await ask(target.port, f"{path}&RID=rpc&CI=0&AID=0&TYPE=xmlhttp")
    for spark in await target.ask("ids"):
        await target.ask("write", spark=spark, size=BIG)


async def a_back_channel_then_an_end(target: Target) -> None:
    await a_back_channel(target)
    for spark in await target.ask("ids"):
        await target.ask("end", spark=spark)


ANSWERS = [
    *(("browserchannel", each) for each in (a_back_channel, a_back_channel_then_an_end)),
    *(("websockets", each) for each in (the_library, the_description)),
    *(("engine.io", each) for each in (the_library, refusals, the_answer_to_a_poll)),
    ("engine.io", the_answer_to_a_poll_of_a_session_that_ends),
    *(("sockjs", sockjs(each)) for each in ("xhr", "jsonp?c=x", "xhr_streaming", "eventsource")),
    *(("sockjs", sockjs(each, ends=True)) for each in ("xhr", "xhr_streaming", "htmlfile?c=x")),
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("transformer", "attack"), ANSWERS, ids=[f"{one}-{two.__name__}" for one, two in ANSWERS]
)
async def test_an_answer_that_is_not_read_is_given_up(
    targets: Targets,
    times: int,
    transformer: str,
    attack: Callable[[Target], Awaitable[None]],
    host: str,
) -> None:
    transport = {"jsonp": True} if transformer == "sockjs" else {}
    options = {**OPTIONS, "high_water": 20_000_000, "transport": transport}
    target = await targets.server(transformer, host, options=options)
    await target.ask("holds")
    before = target.descriptors

    for _ in range(STALLED * times):
        await attack(target)

    async with asyncio.timeout(20):
        while target.descriptors > before:
            await asyncio.sleep(0.05)


PAIRS = [pytest.param(wire, host, id=f"{wire.name}-{host}") for wire in WIRES for host in HOSTS]


@pytest.mark.parametrize("ends", [False, True], ids=["open", "ended"])
@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_frames_that_are_not_read_are_given_up(
    targets: Targets, times: int, wire: Wire, host: str, ends: bool
) -> None:
    options = {**OPTIONS, "high_water": 20_000_000, "transport": {"close_timeout": 0.5}}
    target = await targets.server(wire.transformer, host, options=options)
    await target.ask("holds")
    before = target.descriptors

    for _ in range(2 * times):
        await wire.open(target.port)
    for spark in await target.ask("ids"):
        await target.ask("write", spark=spark, size=BIG)
        if ends:
            await target.ask("end", spark=spark)

    async with asyncio.timeout(20):
        while target.descriptors > before:
            await asyncio.sleep(0.05)
    assert (await target.ask("holds"))["sparks"] == 0
