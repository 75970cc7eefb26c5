"""``python tools/survey.py FILE…``: every guard of these files, broken one at a time.

`mutants.py` proves that the guards of a list are held by tests; this finds those that are not. It
derives mutants from the syntax of a file (conditions that never or always hold, limits off by one,
calls left out, errors no longer contained: see `breaking.py`), runs each against the tests
that reach its line, and prints those that survive. A survivor wants a test, or nothing needs the
line, or both versions mean the same.

The tests are collected once. Each mutant is a fork of that process in which the code of the broken
module's functions is replaced, so most cost milliseconds. All files are of one distribution, whose
tests are run unless ``--tests`` names others. A third of the mutants is left out, so that it can
measure what the tests notice that were written without it: ``--held-out`` takes that third.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, count
from pathlib import Path
from time import monotonic, process_time, sleep
from types import CodeType, FunctionType

import coverage
import pytest
from breaking import Mutant, mutants

ROOT = Path(__file__).resolve().parent.parent

GRACE = 5.0
"""Seconds that the tests of a mutant may take beside four times what they take unbroken."""

BUDGET = 6.0
"""Seconds of the processor for the tests of one mutant; those that noticed others come first."""

SURVIVED, DIED, UNFIT = 0, 1, 3
"""How the process of a mutant ends; unfit is what cannot be put in the place of the original."""


class Survey:
    """A pytest plugin that runs mutants instead of the tests."""

    def __init__(self, wanted: Sequence[Mutant], jobs: int, budget: float) -> None:
        self._wanted = wanted
        self._budget = budget
        self._jobs = jobs
        self._items: list[pytest.Item] = []
        self._reached: dict[tuple[str, int], set[int]] = {}
        self._took: list[float] = []
        """Seconds that each test takes."""
        self._cost: list[float] = []
        """Seconds of the processor that each takes."""
        self._noticed: Counter[tuple[str, int]] = Counter()
        """How many mutants of a file each test has noticed: it is asked first about others."""
        self._noticing = mmap.mmap(-1, 4 * (len(wanted) + 1))
        """The test that noticed each mutant, plus 1."""
        self._functions: dict[str, list[FunctionType]] = {}
        self.survivors: list[Mutant] = []
        self.untested: list[Mutant] = []
        self.unfit: list[Mutant] = []
        self.hung: list[Mutant] = []
        self.died = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure which tests reach what, and then run each mutant in a fork."""
        self._items = list(session.items)
        files = sorted({mutant.file for mutant in self._wanted})
        for file in files:
            parts = Path(file).with_suffix("").parts
            module = ".".join(parts[parts.index("src") + 1 :]).removesuffix(".__init__")
            if not module.endswith("__main__"):
                importlib.import_module(module)
        self._measure(files)
        for each in gc.get_objects():
            if isinstance(each, FunctionType):
                self._functions.setdefault(each.__code__.co_filename, []).append(each)
        gc.collect()
        gc.freeze()
        self._run_all(session)
        return True

    def _measure(self, files: Sequence[str]) -> None:
        """Run the tests once, in a fork, with coverage by test."""
        reading, writing = os.pipe()
        if (pid := os.fork()) == 0:
            _silence()
            os.close(reading)
            said: object
            try:
                said = self._reach(files)
            except BaseException:  # it is told to the parent
                said = traceback.format_exc()
            with os.fdopen(writing, "w") as file:
                json.dump(said, file)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as file:
            answer = json.load(file)
        os.waitpid(pid, 0)
        if isinstance(answer, str):
            raise SystemExit(answer)
        reached, self._took, self._cost, failed = answer
        for file, lines in reached.items():
            for line, tests in lines.items():
                self._reached[file, int(line)] = set(tests)
        if failed:
            print("these fail unbroken and are left out:", *failed, sep="\n  ", flush=True)
            wrong = set(failed)
            bad = {i for i, item in enumerate(self._items) if item.nodeid in wrong}
            for tests in self._reached.values():
                tests -= bad

    def _reach(self, files: Sequence[str]) -> object:
        measured = coverage.Coverage(
            data_file=None, config_file=False, include=[str(ROOT / file) for file in files]
        )
        measured.start()
        took, cost, failed = [], [], []
        session = self._items[0].session
        for index, item in enumerate(self._items):
            measured.switch_context(str(index))
            began, used = monotonic(), process_time()
            before = session.testsfailed
            following = self._items[index + 1] if index + 1 < len(self._items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            took.append(monotonic() - began)
            cost.append(process_time() - used)
            if session.testsfailed > before:
                failed.append(item.nodeid)
        measured.stop()
        data = measured.get_data()
        reached = {
            file: {
                line: [int(each) for each in tests if each]
                for line, tests in data.contexts_by_lineno(str(ROOT / file)).items()
            }
            for file in files
        }
        return reached, took, cost, failed

    def _run_all(self, session: pytest.Session) -> None:
        waiting = list(reversed(range(len(self._wanted))))
        running: dict[int, tuple[int, float]] = {}
        done = count(1)
        while waiting or running:
            while waiting and len(running) < self._jobs:
                number = waiting.pop()
                mutant = self._wanted[number]
                chosen = self._tests_of(mutant)
                if not chosen:
                    self.untested.append(mutant)
                    print("untested ", mutant, flush=True)
                    continue
                limit = GRACE + 4 * sum(self._took[each] for each in chosen)
                running[self._start(session, number, chosen)] = number, monotonic() + limit
            pid, status = os.waitpid(-1, os.WNOHANG) if running else (0, 0)
            if pid in running:
                self._judge(running.pop(pid)[0], status)
                if next(done) % 200 == 0:
                    print("...", len(waiting), "to go", flush=True)
                continue
            for pid, (_, due) in running.items():
                if monotonic() > due:
                    os.kill(pid, signal.SIGKILL)
            sleep(0.005)

    def _tests_of(self, mutant: Mutant) -> list[int]:
        """The tests that reach the line, those named after the module and the fast ones first."""
        tests = self._reached.get((mutant.file, mutant.line), set())
        stem = Path(mutant.file).stem
        found = sorted(
            tests,
            key=lambda i: (
                -self._noticed[mutant.file, i],
                stem not in self._items[i].path.stem,
                self._cost[i],
            ),
        )
        total = accumulate(self._cost[each] for each in found)
        return [each for each, seconds in zip(found, total, strict=True) if seconds < self._budget]

    def _start(self, session: pytest.Session, number: int, chosen: Sequence[int]) -> int:
        mutant = self._wanted[number]
        if (pid := os.fork()) != 0:
            return pid
        ended = UNFIT
        try:
            _silence()
            os.setpgid(0, 0)
            code = mutant.code()
            try:
                _replace(self._functions[code.co_filename], code)
            except ValueError:
                os._exit(UNFIT)
            items = [self._items[each] for each in chosen]
            for index, item in enumerate(items):
                following = items[index + 1] if index + 1 < len(items) else None
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    struct.pack_into("I", self._noticing, 4 * number, chosen[index] + 1)
                    break
            ended = DIED if session.testsfailed else SURVIVED
        except BaseException:  # a session that breaks down has noticed as well
            ended = DIED
        finally:
            os._exit(ended)

    def _judge(self, number: int, status: int) -> None:
        mutant = self._wanted[number]
        code = os.waitstatus_to_exitcode(status)
        if code == SURVIVED:
            self.survivors.append(mutant)
            print("SURVIVES ", mutant, flush=True)
        elif code == UNFIT:
            self.unfit.append(mutant)
            print("unfit    ", mutant, flush=True)
        else:
            self.died += 1
            (test,) = struct.unpack_from("I", self._noticing, 4 * number)
            self._noticed[mutant.file, test - 1] += test > 0
            if code == -signal.SIGKILL:
                self.hung.append(mutant)


def _silence() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(nothing, each)


def _hasten_properties() -> None:
    """Let hypothesis stop at the first example that fails, instead of searching a smaller one."""
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "survey",
        phases=[Phase.explicit, Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("survey")


def _replace(functions: Sequence[FunctionType], code: CodeType) -> None:
    """Give the functions of a module the code that they have in another version of it."""
    codes: dict[tuple[str, int], list[CodeType]] = {}
    todo = [code]
    while todo:
        for each in todo.pop().co_consts:
            if isinstance(each, CodeType):
                codes.setdefault((each.co_qualname, each.co_firstlineno), []).append(each)
                todo.append(each)
    for function in functions:
        found = codes.get((function.__code__.co_qualname, function.__code__.co_firstlineno), [])
        if len(found) == 1:
            function.__code__ = found[0]


def _suites(files: Sequence[Path]) -> list[str]:
    """The tests of the distributions of these files."""
    roots = {ROOT.joinpath(*file.relative_to(ROOT).parts[:2], "tests") for file in files}
    return [str(each) for each in sorted(roots)]


def _chosen(options: argparse.Namespace) -> tuple[list[Path], list[Mutant]]:
    files = [
        found
        for each in options.files
        for found in (sorted(each.rglob("*.py")) if each.is_dir() else [each])
    ]
    files = [file.resolve() for file in files]
    everything = [mutant for file in files for mutant in mutants(file, ROOT)]
    if not options.all_kinds:
        everything = [each for each in everything if each.is_guard]
    if not options.everything:
        everything = [each for each in everything if each.is_held_out is options.held_out]
    if options.again:
        keys = set(json.loads(options.again.read_text("utf-8")))
        everything = [each for each in everything if each.key in keys]
    if options.sample:
        chance = random.Random(options.seed)
        everything = chance.sample(everything, min(options.sample, len(everything)))
    return files, everything


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the survey; 0 when nothing survives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="sources, or folders of them")
    parser.add_argument("--tests", nargs="+", help="suites; those of the distribution otherwise")
    parser.add_argument("--held-out", action="store_true", help="the third kept for measuring")
    parser.add_argument("--all-kinds", action="store_true", help="besides those aimed at guards")
    parser.add_argument("--everything", action="store_true", help="with the third held out")
    parser.add_argument("--again", type=Path, help="only the survivors in this file of --keep")
    parser.add_argument("--keep", type=Path, help="write the survivors into this file")
    parser.add_argument("--sample", type=int, help="so many, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-j", "--jobs", type=int, default=3, help="how many run at once")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds of tests for each")
    options = parser.parse_args(arguments)
    files, wanted = _chosen(options)
    print(len(wanted), "mutants", flush=True)
    survey = Survey(wanted, options.jobs, options.budget)
    os.chdir(ROOT)
    _hasten_properties()
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    given = ["-q", "-s", "--tb=no", "-p", "no:cacheprovider", "-W", ignored]
    pytest.main([*given, *(options.tests or _suites(files))], plugins=[survey])
    alive = [*survey.survivors, *survey.untested]
    if options.keep:
        options.keep.write_text(json.dumps([each.key for each in alive], indent=1), "utf-8")
    print(
        f"{survey.died} died ({len(survey.hung)} of them hung), {len(survey.survivors)} survived,"
        f" {len(survey.untested)} reached by no test, {len(survey.unfit)} unfit"
    )
    return min(len(alive), 1)


if __name__ == "__main__":
    sys.exit(main())
