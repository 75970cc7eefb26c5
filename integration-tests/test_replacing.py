"""Workers and servers that are replaced in the middle of traffic."""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.casts import NODE
from harness.network import free_port
from harness.proxies import balancer
from harness.redis import RedisServer
from harness.served import serving
from harness.stage import Stage
from harness.traffic import CODE, RECOVERING, Talker, Traffic

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORKERS = {"websockets": 4, "engine.io": 2, "sockjs": 2}
"""How many there are: clients may come back to several that are replaced after that."""
TRANSPORTS: dict[str, dict[str, Any]] = {"engine.io": {"transports": ["polling"]}}


@pytest.mark.parametrize("transformer", WORKERS)
async def test_sighup_in_the_middle_of_traffic_loses_nothing_with_recovery(
    transformer: str, tmp_path: Path
) -> None:
    count = WORKERS[transformer]
    former = {f"w{number}" for number in range(count)}
    options = ("--workers", str(count), "--over", "0.3", "--transformer", transformer, *RECOVERING)
    async with serving(tmp_path, *options, code=CODE) as served:
        transport = TRANSPORTS.get(transformer, {})
        talkers = [
            Talker(number, served.url, transformer, transport=transport) for number in range(6)
        ]
        with Traffic(talkers, writers=6, pause=0.05) as traffic:
            await traffic.until(lambda: all(talker.nodes for talker in talkers))
            os.kill(served.pid, signal.SIGHUP)
            await traffic.run(lambda: not any(talker.nodes[-1] in former for talker in talkers))

    traffic.check()


async def test_a_rolling_restart_loses_nothing_with_recovery_and_spreads_the_reconnects(
    stage: Stage, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With ``--long`` there are 500 clients; those of Node have no recovery, and come back."""
    long = request.config.getoption("--long")
    count, writers, pause, over = (500, 3, 1.0, 20.0) if long else (30, 5, 0.1, 3.0)
    redis = RedisServer(tmp_path)
    ports = free_port(), free_port()

    async def start(number: int) -> AsyncExitStack:
        running = AsyncExitStack()
        options = ("--node", f"w{number}", "--over", str(over), "--backplane", redis.url)
        await running.enter_async_context(
            serving(tmp_path, *options, *RECOVERING, port=ports[number], code=CODE)
        )
        return running

    async with AsyncExitStack() as stack:
        stack.push_async_callback(redis.stop)
        await redis.start()
        servers = [await start(0), await start(1)]
        for server in servers:
            stack.push_async_callback(server.aclose)
        port = await stack.enter_async_context(balancer("haproxy", *ports, tmp_path))
        url = f"http://127.0.0.1:{port}"
        of_node = [await stage.client(kind) for kind in NODE]
        for client in of_node:
            await client.connect(url)
            await client.data()
        back: list[float] = []
        talkers = [Talker(number, url) for number in range(count)]
        for talker in talkers:
            talker.socket.on(
                "reconnected", lambda *_: back.append(asyncio.get_running_loop().time())
            )
        traffic = stack.enter_context(Traffic(talkers, writers=writers, pause=pause))
        await traffic.until(lambda: all(talker.nodes for talker in talkers))
        has_ended = asyncio.Event()
        running = asyncio.create_task(traffic.run(has_ended.is_set))
        stack.callback(running.cancel)

        for number in range(2):
            moved = {t: len(t.nodes) for t in talkers if t.nodes[-1] == f"w{number}"}
            back.clear()
            (tmp_path / f"ends of w{number}").unlink(missing_ok=True)
            await servers[number].aclose()
            await traffic.until(lambda moved=moved: all(len(t.nodes) > n for t, n in moved.items()))  # type: ignore[misc]
            ends = ends_of(f"w{number}", tmp_path)
            left = [talker.ids[n - 1] for talker, n in moved.items()]
            dials = [ends[id] + talker.delays[id] for id, talker in zip(left, moved, strict=True)]
            limit = 1.5 * len(ends) / over
            print(
                f"w{number} ended {len(ends)} clients in {over:g} s: {busiest(ends.values())} in "
                f"the busiest second; {busiest(dials)} tried to come back in one, and "
                f"{busiest(back)} were back in one (limit {limit:g})"
            )
            assert len(moved) <= len(ends) <= len(moved) + len(of_node)
            assert busiest(ends.values()) <= limit
            if long:  # the delays of few clients may be alike by chance
                assert busiest(dials) <= limit + 1
            servers[number] = await start(number)
            stack.push_async_callback(servers[number].aclose)
        has_ended.set()
        await running
        print(len(traffic.written), "messages")
        traffic.check()
        for client in of_node:
            await client.write(["back", 1])
            while (heard := await client.data()) != ["echo", 1]:
                assert heard[0] in ("node", "news")
            greetings = [event for event in client.seen("data") if event["data"][0] == "node"]
            assert len(greetings) >= 2


def ends_of(node: str, folder: Path) -> dict[str, float]:
    """When a server has ended its sparks."""
    lines = (folder / f"ends of {node}").read_text().splitlines()
    return {id: float(when) for id, when in map(str.split, lines)}


def busiest(moments: Iterable[float]) -> int:
    """How many there are in the second that has the most."""
    known = list(moments)
    return max(sum(begun <= other < begun + 1 for other in known) for begun in known)
