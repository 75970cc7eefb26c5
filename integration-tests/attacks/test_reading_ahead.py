"""Peers that send faster than is listened: parsing stops where the bound on reading ahead is."""

import asyncio

import pytest

from attacks.targets import Targets
from attacks.wires import (
    HOSTS,
    TEXT,
    WIRES,
    Raw,
    Wire,
    browserchannel_session,
    engineio_path,
    engineio_session,
    frame,
    head,
    sockjs_session,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [pytest.param(wire, host, id=f"{wire.name}-{host}") for wire in WIRES for host in HOSTS]


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_small_messages_do_not_pile_up_before_a_listener_that_is_busy(
    targets: Targets, times: int, wire: Wire, host: str
) -> None:
    target = await targets.server(wire.transformer, host, listener="stuck")
    attackers = [await wire.open(target.port) for _ in range(4)]
    block = wire.message("[1]") * 1000
    target.mark()

    await asyncio.gather(*(attacker.flood(block, 30 * times) for attacker in attackers))
    await target.turns(300)  # each of them is as much as 64 messages of each attacker

    # The messages of all four need 25 MB where they wait. uvicorn takes a whole read apart.
    assert target.peak < (18.0 if host == "uvicorn" else 8.0)


@pytest.mark.parametrize("host", HOSTS)
async def test_a_frame_of_many_messages_is_not_taken_apart_before_a_listener_that_is_busy(
    targets: Targets, times: int, host: str
) -> None:
    target = await targets.server("sockjs", host, listener="stuck")
    wire = WIRES[-1]
    attackers = [await wire.open(target.port) for _ in range(4)]
    block = frame(TEXT, b"[" + b",".join([b'"1"'] * 9000) + b"]")
    target.mark()

    await asyncio.gather(*(attacker.flood(block, 20 * times) for attacker in attackers))

    assert target.peak < 12.0


async def big_post(port: int, kind: str) -> Raw:
    """A connection that has just posted four megabytes of small messages."""
    if kind == "sockjs":
        path = f"{await sockjs_session(port)}/xhr_send"
        body = b"[" + b",".join([b'"[' + b"1," * 190 + b'1]"'] * 9900) + b"]"
    elif kind == "browserchannel":
        path = f"{await browserchannel_session(port)}&RID=1&AID=0"
        maps = b"".join(b"&req%d__S=[%s1]" % (at, b"1," * 1990) for at in range(1000))
        body = b"count=1000&ofs=0" + maps
    elif kind == "engine.io-3":
        path = engineio_path(await engineio_session(port, 3), 3)
        body = b"6:4[1,1]" * 99_000
    else:
        path = engineio_path(await engineio_session(port))
        body = b"\x1e".join([b"4[1,1]"] * 99_000)
    raw = await Raw.dial(port)
    await raw.flood(head("POST", path, f"Content-Length: {len(body)}\r\n") + body)
    return raw


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("kind", ["engine.io-3", "engine.io-4", "sockjs", "browserchannel"])
async def test_posts_are_not_taken_apart_before_a_listener_that_is_busy(
    targets: Targets, times: int, kind: str, host: str
) -> None:
    transformer = kind.removesuffix("-3").removesuffix("-4")
    target = await targets.server(transformer, host, listener="stuck")
    target.mark()

    for _ in range(6 * times):
        await big_post(target.port, kind)

    # The bodies alone are 0.7 or 4 MB each; taken apart, they were eight times that.
    whole = 0.8 if transformer == "engine.io" else 4.0
    assert target.peak < 6 * times * whole * 1.5 + 10.0


@pytest.mark.parametrize("kind", ["in a head", "in a payload", "between frames"])
@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_what_waits_of_a_client_that_has_gone_is_not_handled_for_ever(
    targets: Targets, wire: Wire, host: str, kind: str
) -> None:
    broken_off = {"in a head": 1, "in a payload": 8, "between frames": 0}[kind]
    target = await targets.server(wire.transformer, host, listener="busy")
    attacker = await wire.open(target.port)
    message = wire.message("[1]")
    await attacker.flood(message * 200 + message[:broken_off])
    await target.until("news", lambda news: sum(news["handled"].values()) > 0)

    attacker.abort()

    await target.until("holds", lambda found: found["sparks"] == 0)
