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
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIST = Path(__file__).with_suffix(".toml")

FAILED = 1
"""How pytest ends when tests have failed; any other end says nothing about the guard."""

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


def survives(mutant: Mutant) -> str:
    """What the tests say to a broken guard; empty when they notice."""
    folder = Path(mutant.file).parts
    package = ROOT.joinpath(*folder[: folder.index("src") + 2])
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / package.name
        shutil.copytree(package, copy)
        broken = copy.joinpath(*folder[folder.index("src") + 2 :])
        broken.write_text(mutant.source(), "utf-8")
        os.utime(broken, (0, 0))  # what has been compiled of it is another file's
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        environment = {**os.environ, "PYTHONPATH": scratch}
        try:
            done = subprocess.run(
                [*command, *mutant.tests],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ""
    if done.returncode == FAILED:
        return ""
    return f"pytest ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


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
    survivors = killed = 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        results = zip(listed, pool.map(survives, listed), strict=True)
        for mutant, said in results:
            print("SURVIVES" if said else "killed  ", mutant.guard, flush=True)
            if said:
                print(said, flush=True)
            survivors += bool(said)
            killed += not said
    print(f"{killed} killed, {survivors} survived")
    return survivors


if __name__ == "__main__":
    sys.exit(min(main(), 1))
