"""``python tools/mutants.py``: break each guard that is listed, and see that a test fails.

A guard that no test holds is lost with the next change. ``mutants.toml`` beside this file lists
guards against peers, each with the line that breaks it and the tests that have to notice:

    [[mutant]]
    guard = "no pongs pile up for a peer that does not read"
    file = "packages/primus-transformer-ws/src/primus_transformer_ws/transport.py"
    old = "elif not (self._write_paused and data[:1] == PONG_HEAD):"
    new = "else:"
    tests = ["packages/primus-transformer-ws/tests", "-k", "pongs"]
    ci = true

``old`` stands in the file exactly once. Arguments choose by words of the guard or of the file;
``--ci`` takes those that continuous integration runs; without either, all of them are run.
The sources are copied and the copy is broken, so the tree is left alone.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import monotonic, sleep

import pytest

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_suffix(".toml")

FAILED = 1
"""How pytest ends when tests have failed; any other end says nothing about the guard."""

WARM = (
    "aiohttp.web",
    "hypothesis.internal.conjecture.engine",
    "hypothesis.strategies",
    "pytest_asyncio",
    "websockets.server",
)
"""What nearly all tests import, and is none of ours."""

FORK = multiprocessing.get_context("fork")

LIMIT = 120
"""Seconds that the tests of one mutant may take: a mutant that hangs them is noticed as well."""


@dataclass(frozen=True)
class Mutant:
    """One guard, how it is broken, and the tests that notice."""

    guard: str
    file: str
    old: str
    new: str
    tests: Sequence[str]
    ci: bool = False

    def source(self) -> str:
        """The file with the guard broken.

        Raises:
            SystemExit: the guard is not in the file exactly once, so the list is out of date.
        """
        text = (ROOT / self.file).read_text("utf-8")
        if text.count(self.old) != 1:
            raise SystemExit(
                f"{LIST.name}: {self.guard!r}: {self.file} has {self.old!r} "
                f"{text.count(self.old)} times, not once"
            )
        return text.replace(self.old, self.new)


def mutants() -> list[Mutant]:
    """The list."""
    return [Mutant(**each) for each in tomllib.loads(LIST.read_text("utf-8"))["mutant"]]


class Trial:
    """The tests of one mutant, in a process that has been forked.

    A process that begins anew needs seconds until it has imported what the tests need.
    """

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self._scratch = tempfile.TemporaryDirectory()
        scratch = Path(self._scratch.name)
        folder = Path(mutant.file).parts
        package = ROOT.joinpath(*folder[: folder.index("src") + 2])
        shutil.copytree(package, scratch / package.name)
        broken = scratch.joinpath(package.name, *folder[folder.index("src") + 2 :])
        broken.write_text(mutant.source(), "utf-8")
        os.utime(broken, (0, 0))  # what has been compiled of it is another file's
        self._output = scratch / "output"
        self._due = monotonic() + LIMIT
        self._process = FORK.Process(target=_test, args=(scratch, self._output, mutant.tests))
        self._process.start()

    @property
    def is_over(self) -> bool:
        """Whether the tests have ended; they are ended when they take too long."""
        if self._process.is_alive() and monotonic() > self._due:
            self._process.kill()
            self._process.join()
        return not self._process.is_alive()

    def survives(self) -> str:
        """What the tests say to the broken guard; empty when they notice."""
        code = self._process.exitcode
        said = self._output.read_text("utf-8", "replace")
        self._scratch.cleanup()
        if code in (FAILED, -signal.SIGKILL):
            return ""
        return f"pytest ended with {code}\n{said[-4000:]}"


def _test(scratch: Path, output: Path, tests: Sequence[str]) -> None:
    """Run tests against what stands in `scratch`, and exit as pytest does."""
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(ROOT)
    sys.path.insert(0, str(scratch))
    os.environ["PYTHONPATH"] = str(scratch)
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    code = pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-W", ignored, *tests])
    sys.stdout.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants; the number of those that survive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="*", help="of guards or files; none for all")
    parser.add_argument("--ci", action="store_true", help="those of continuous integration")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many run at once")
    chosen = parser.parse_args(arguments)
    everything = mutants()
    for mutant in everything:
        mutant.source()  # a list that is out of date is noticed at once
    listed = [
        mutant
        for mutant in everything
        if (mutant.ci or not chosen.ci)
        and (
            not chosen.words
            or any(word in f"{mutant.guard} {mutant.file}" for word in chosen.words)
        )
    ]
    for name in WARM:
        importlib.import_module(name)
    survivors = killed = 0
    under_way: list[Trial] = []
    waiting = iter(listed)
    while True:
        under_way += [Trial(each) for each in islice(waiting, chosen.jobs - len(under_way))]
        if not under_way:
            break
        over = [trial for trial in under_way if trial.is_over]
        under_way = [trial for trial in under_way if trial not in over]
        for trial in over:
            said = trial.survives()
            print("SURVIVES" if said else "killed  ", trial.mutant.guard, said, flush=True)
            survivors += bool(said)
            killed += not said
        sleep(0.05)
    print(f"{killed} killed, {survivors} survived")
    return survivors


if __name__ == "__main__":
    sys.exit(min(main(), 1))
