"""A supervisor that is stopped while workers start, drain, or take the place of others."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from primus.server.listen import Listening
from primus.workers.supervisor import Supervisor
from primus_testing import eventually

SCRIPT = """
import json, pathlib, signal, socket, sys

told, folder, prepares = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3] == "yes"
hangs, asked = sys.argv[4], 0
node = told["place"]["node"]
secret = pathlib.Path(told["place"]["folder"], ".secret").read_text()
held = sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
(folder / (node + " started")).write_text(json.dumps(held))
channel = socket.socket(fileno=told["control"])
hears, says = channel.makefile("r"), channel.makefile("w")  # in one, a write drops what was read

def say(kind, **more):
    print(json.dumps({"is": kind, **more}), file=says, flush=True)

if prepares:
    say("prepared")
for line in hears:
    order = json.loads(line)
    if order["is"] == "workers":
        say("known", number=order["number"])
    elif order["is"] == "alive?" and node != hangs:
        say("alive")
        asked += 1
        if asked == 12:
            (folder / "asked 12 times").touch()
    elif order["is"] == "listen":
        say("ready")
    elif order["is"] == "drain":
        (folder / (node + " drains")).touch()
    elif order["is"] == "stop" and prepares:
        break
"""
"""A worker that drains for ever, and that stops at once; or one that never gets to listen; or
that has the name of the one that hangs."""


class Staged:
    """A supervisor of such workers, and what those leave in a folder."""

    def __init__(
        self,
        folder: Path,
        *,
        prepares: bool = True,
        timeout: float | None = None,
        hangs: str = "",
    ) -> None:
        self.folder = folder
        self.started: list[str] = []
        self.homes: set[Path] = set()
        self._what = ("yes" if prepares else "no", hangs)
        self.supervisor = Supervisor(
            2, Listening("127.0.0.1"), self._command, over=3600.0, timeout=timeout
        )

    def _command(self, assignment: str) -> list[str]:
        place = json.loads(assignment)["place"]
        self.started.append(place["node"])
        self.homes.add(Path(place["folder"]))
        options = (assignment, str(self.folder), *self._what)
        return [sys.executable, "-I", "-S", "-c", SCRIPT, *options]

    def has(self, what: str) -> Callable[[], bool]:
        """Whether a worker has got so far."""
        return (self.folder / what).exists


async def test_a_replacement_ends_when_all_are_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    staged = Staged(tmp_path)
    await staged.supervisor.start()
    replacing = asyncio.ensure_future(staged.supervisor.replace())
    await eventually(staged.has("w0 drains"))

    await staged.supervisor.stop()
    assert await replacing is False
    assert await staged.supervisor.replace() is False

    assert staged.started == ["w0", "w1", "w2"]
    assert not any(home.exists() for home in staged.homes)
    assert not caplog.records
    assert capfd.readouterr().err == ""


async def test_a_worker_that_still_starts_is_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    staged = Staged(tmp_path, prepares=False)
    starting = asyncio.ensure_future(staged.supervisor.start())
    await eventually(staged.has("w0 started"))

    starting.cancel()
    await asyncio.wait((starting,))

    assert staged.started == ["w0"]
    assert not caplog.records
    assert capfd.readouterr().err == ""


async def test_a_process_that_is_being_made_does_not_outlive_its_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Stop at each turn of the loop that the start of a worker takes."""
    for turns in range(12):
        staged = Staged(tmp_path, prepares=False)
        starting = asyncio.ensure_future(staged.supervisor.start())
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait((starting,))
        await staged.supervisor.stop()

    assert capfd.readouterr().err == ""


async def test_a_replacement_that_is_due_while_all_start_comes_after_that(tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    starting = asyncio.ensure_future(staged.supervisor.start())
    await eventually(lambda: bool(staged.started))
    replacing = asyncio.ensure_future(staged.supervisor.replace())

    await starting
    await eventually(staged.has("w0 drains"))
    await staged.supervisor.stop()
    await replacing

    assert staged.started == ["w0", "w1", "w2"]


async def test_a_replacement_takes_a_place_whose_next_worker_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus.workers.backoff.FIRST", 60.0)
    staged = Staged(tmp_path)
    supervisor = staged.supervisor
    await supervisor.start()

    def first() -> Any:
        return supervisor._current(0)

    for node in ("w0", "w2"):
        await eventually(lambda node=node: first() and first().node == node)  # type: ignore[misc]
        first().process.kill()
    await eventually(lambda: supervisor._listener(0).fileno() < 0)

    replacing = asyncio.ensure_future(supervisor.replace())
    await eventually(staged.has("w1 drains"))
    assert first().node == "w3"
    await supervisor.stop()
    assert await replacing is False


async def test_a_worker_that_does_not_answer_is_killed_and_replaced_and_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    staged = Staged(tmp_path, timeout=0.5, hangs="w0")
    await staged.supervisor.start()

    await eventually(staged.has("w2 started"))
    await staged.supervisor.stop()

    assert [line for line in caplog.messages if " w0 " in line] == [
        "worker w0 has not answered for 0.5 s and is killed: something blocks its event loop"
    ]


async def test_a_worker_that_answers_is_asked_again_and_again(tmp_path: Path) -> None:
    staged = Staged(tmp_path, timeout=0.5)
    await staged.supervisor.start()

    await eventually(staged.has("asked 12 times"))
    await staged.supervisor.stop()


async def test_signals_of_a_terminal_are_held_back_from_workers_that_start(tmp_path: Path) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    staged = Staged(tmp_path)
    await staged.supervisor.start()
    await staged.supervisor.stop()

    for node in ("w0", "w1"):
        held = json.loads((tmp_path / f"{node} started").read_text())
        assert held == [signal.SIGHUP, signal.SIGINT]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
