"""A supervisor that is stopped while workers start, drain, or take the place of others."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from primus.server.listen import Listening
from primus.workers.supervisor import Supervisor
from primus_testing import eventually

SCRIPT = """
import json, pathlib, socket, sys

told, folder, prepares = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3] == "yes"
node = told["place"]["node"]
secret = pathlib.Path(told["place"]["folder"], ".secret").read_text()
(folder / (node + " started")).touch()
channel = socket.socket(fileno=told["control"]).makefile("rw")

def say(kind, **more):
    print(json.dumps({"is": kind, **more}), file=channel, flush=True)

if prepares:
    say("prepared")
for line in channel:
    order = json.loads(line)
    if order["is"] == "workers":
        say("known", number=order["number"])
    elif order["is"] == "listen":
        say("ready")
    elif order["is"] == "drain":
        (folder / (node + " drains")).touch()
    elif order["is"] == "stop" and prepares:
        break
"""
"""A worker that drains for ever, and that stops at once; or one that never gets to listen."""


class Staged:
    """A supervisor of such workers, and what those leave in a folder."""

    def __init__(self, folder: Path, *, prepares: bool = True) -> None:
        self.folder = folder
        self.started: list[str] = []
        self.homes: set[Path] = set()
        self._prepares = "yes" if prepares else "no"
        self.supervisor = Supervisor(2, Listening("127.0.0.1"), self._command, over=3600.0)

    def _command(self, assignment: str) -> list[str]:
        place = json.loads(assignment)["place"]
        self.started.append(place["node"])
        self.homes.add(Path(place["folder"]))
        options = (assignment, str(self.folder), self._prepares)
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
    await replacing
    await staged.supervisor.replace()

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
