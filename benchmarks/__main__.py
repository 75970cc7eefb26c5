"""``python -m benchmarks``: measure, and print what was found."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from .contestants import LOOPS, REFERENCE, Contestant, contestants
from .page import about, report, write_pages
from .process import allow_many_files
from .results import Results
from .running import Pace, run_all
from .scenarios import chosen, scenarios
from .starting import start_all

QUICK = Pace(rounds=1, seconds=0.05, warmup=0.0, least=0, most_connections=20)
QUICK_SCENARIOS = (
    *("many", "broadcast", "connects", "idle", "polling", "transform"),
    *("2x100", "readers-2"),
)
QUICK_SERVERS = (
    *(f"primus {name} {LOOPS[0]}" for name in ("websockets", "engine.io")),
    "primus backplane",
)
GROUPS = (*dict.fromkeys(scenario.group for scenario in scenarios()), "starting")


def main() -> None:
    """Do what the command line says."""
    given = _arguments()
    allow_many_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and so end the servers too
    if not any(one.name == REFERENCE for one in contestants()):
        print(f"{REFERENCE} is not installed, so there are no ratios: see benchmarks/README.md")
    pace = QUICK if given.quick else Pace(given.rounds, given.seconds)
    only = given.only or (QUICK_SCENARIOS if given.quick else ())

    def wanted(one: Contestant) -> bool:
        if given.quick and not given.server:
            return one.name in QUICK_SERVERS
        return given.server in one.name

    def keep(results: Results) -> None:
        results.about = about(pace.seconds, pace.rounds)
        if given.json:
            given.json.write_text(results.text(), "utf-8")

    results = run_all(chosen(only), pace, wanted, keep)
    if not only or "starting" in only:
        results.starting = start_all(pace.rounds, wanted)
    keep(results)
    if given.write:
        write_pages(results)
    print(report(results))
    sys.exit(_failed(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description="Primus and its peers.")
    names = f"groups ({', '.join(GROUPS)}) or columns"
    parser.add_argument("--quick", action="store_true", help="only see that everything works")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help=names)
    parser.add_argument("--server", default="", metavar="PART", help="servers whose name has this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="for one measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures")
    parser.add_argument("--write", action="store_true", help="write the pages of the documentation")
    return parser.parse_args()


def _failed(results: Results) -> int:
    """1 when a measurement is missing."""
    return int(not all(all(column.rounds.values()) for column in results.columns.values()))


if __name__ == "__main__":
    main()
