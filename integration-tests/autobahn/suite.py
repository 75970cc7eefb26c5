"""The Autobahn test suite, in a virtual environment of its own because it needs Python 2.7."""

import asyncio
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from harness.python2 import environment
from harness.tools import cache

HERE = Path(__file__).parent
PINS = HERE / "requirements-python2.txt"

CORE = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
LARGE = ["9.*"]
BASIC = ["1.*", "5.*"]
"""Messages, whole and in fragments. Only the cases of `DEFLATE` offer compression: to all others a
server that would compress is like one that would not, which these show."""

DEFLATE = ["12.*", "13.*"]


def deflate(*sizes: int) -> list[str]:
    """Cases of compression with some of the 18 sizes.

    They are a thousand messages each, of up to 128 KiB: many minutes in all, to show what a few
    of them do.
    """
    return [
        f"{group}.{case}.{size}"
        for group, cases in ((12, 5), (13, 7))
        for case in range(1, cases + 1)
        for size in sizes
    ]


EMPTY_FLOOD = ["9.7.1"]
"""A thousand empty texts: Primus sends none, and the suite waits a minute for the first."""


@dataclass(frozen=True)
class Verdict:
    """What the suite says of one case: how the server behaved, and how it closed."""

    behavior: str
    close: str

    @property
    def failed(self) -> bool:
        """Whether the suite counts it as a failure."""
        good = {"OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"}
        return self.behavior not in good or self.close not in good


def wstest() -> Path:
    """The suite's program: the one in PATH, else one that is installed into the cache."""
    there = shutil.which("wstest")
    return Path(there) if there else environment("autobahn", PINS) / "bin" / "wstest"


async def run(
    transformer: str, compression: bool, cases: list[str], exclude: list[str]
) -> dict[str, Verdict]:
    """Run the suite against our server, and get its verdict on each case."""
    program = wstest()
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        HERE / "server.py",
        transformer,
        *(["--compression"] if compression else []),
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    try:
        port = int(await server.stdout.readline())
        report = cache(
            "autobahn", f"report-{transformer}-compression-{'on' if compression else 'off'}"
        )
        spec = report / "spec.json"
        spec.write_text(
            json.dumps(
                {
                    "servers": [{"agent": "primus", "url": f"ws://127.0.0.1:{port}/primus/"}],
                    "outdir": str(report),
                    "cases": cases,
                    "exclude-cases": exclude,
                }
            )
        )
        with (report / "log.txt").open("w") as log:
            suite = await asyncio.create_subprocess_exec(
                program, "-m", "fuzzingclient", "-s", spec, stdout=log, stderr=log
            )
            assert await suite.wait() == 0, (report / "log.txt").read_text()[-2000:]
    finally:
        server.kill()
        await server.wait()
    verdicts = json.loads((report / "index.json").read_text())["primus"]
    return {
        case: Verdict(verdict["behavior"], verdict["behaviorClose"])
        for case, verdict in verdicts.items()
    }
