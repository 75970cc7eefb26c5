"""``python -m benchmarks``: measure, and print what was found."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .contestants import REFERENCE, contestants
from .page import about, report, write_page
from .process import allow_many_files
from .results import Results
from .running import Pace, run_all
from .scenarios import Scenario, scenarios
from .starting import start_all

QUICK = Pace(rounds=1, seconds=0.05, warmup=0.0, most_connections=20)
GROUPS = (*dict.fromkeys(scenario.group for scenario in scenarios()), "starting")


def main() -> None:
    """Do what the command line says."""
    given = _arguments()
    allow_many_files()
    if not any(one.name == REFERENCE for one in contestants()):
        print(f"{REFERENCE} is not installed, so there are no ratios: see README.md")
    pace = QUICK if given.quick else Pace(given.rounds, given.seconds)
    chosen = [one for one in scenarios() if _wanted(one, given.only)]
    if given.quick and not given.only:
        chosen = [one for one in chosen if one.group not in {"growth", "added"}]
    results = run_all(chosen, pace, given.server)
    if not given.only or "starting" in given.only:
        results.starting = start_all(pace.rounds, given.server)
    results.about = about(pace.seconds, pace.rounds)
    if given.json:
        given.json.write_text(results.text(), "utf-8")
    if given.write:
        write_page(results)
    print(report(results))
    sys.exit(_failed(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description="Primus and its peers.")
    parser.add_argument("--quick", action="store_true", help="only see that everything works")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help=f"groups ({', '.join(GROUPS)}) or columns",
    )
    parser.add_argument("--server", default="", metavar="PART", help="servers whose name has this")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="for one measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def _wanted(scenario: Scenario, only: list[str]) -> bool:
    return not only or scenario.group in only or scenario.name in only


def _failed(results: Results) -> int:
    """1 when a measurement is missing."""
    return int(not all(all(column.rounds.values()) for column in results.columns.values()))


if __name__ == "__main__":
    main()
