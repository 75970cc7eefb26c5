"""Rounds: every contestant in turn, so that what disturbs the machine disturbs all alike.

Every other round goes backwards, so that a drift is against all of them alike.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from .cluster import Cluster
from .contestants import Contestant
from .load.job import Job
from .process import Server, measured
from .results import Results
from .scenarios import Scenario, together

__all__ = ["Pace", "run_all"]


@dataclass(frozen=True)
class Pace:
    """How long it takes: rounds, and the seconds of one measurement and of its warm-up.

    The warm-up of a new server is ``least`` messages long or longer.
    """

    rounds: int = 5
    seconds: float = 1.0
    warmup: float = 0.3
    least: int = 10_000
    most_connections: int = 10_000


def run_all(
    scenarios: Iterable[Scenario],
    pace: Pace,
    wanted: Callable[[Contestant], bool],
    keep: Callable[[Results], object],
) -> Results:
    """Measure, column by column; what fails is said on the standard error.

    Args:
        scenarios: the columns.
        pace: how long it takes.
        wanted: whether a contestant takes part.
        keep: called with what there is after each column.
    """
    results = Results()
    with ExitStack() as stack:
        servers = _Servers(stack)
        for group in together(scenarios):
            turns = _turns(group, wanted)
            for scenario in group:
                names = [contestant.name for its, contestant in turns if its is scenario]
                results.enter(scenario, names)
            titles = ", ".join(scenario.title for scenario in group)
            for number in range(pace.rounds):
                _say(f"\r{group[0].group} {titles}: round {number + 1} of {pace.rounds}")
                for scenario, contestant in turns if number % 2 == 0 else reversed(turns):
                    try:
                        figures = _measure(servers, scenario, contestant, pace, number)
                    except (RuntimeError, OSError) as error:
                        _say(f"\n{scenario.title}, {contestant.name}: {error}\n")
                        continue
                    results.add(scenario, contestant.name, number, figures)
            _say("\n")
            keep(results)
    return results


def _turns(
    group: Iterable[Scenario], wanted: Callable[[Contestant], bool]
) -> list[tuple[Scenario, Contestant]]:
    """The order of the measurements, with all scenarios of a contestant next to one another."""
    turns = [(scenario, one) for scenario in group for one in scenario.choose() if wanted(one)]
    order = list(dict.fromkeys(one.name for _, one in turns))
    return sorted(turns, key=lambda turn: order.index(turn[1].name))


def _measure(
    servers: _Servers, scenario: Scenario, contestant: Contestant, pace: Pace, number: int
) -> dict[str, float]:
    if not scenario.fresh:
        server = servers.running(contestant, scenario)
        return measured(_job(scenario, contestant, server, pace, number))
    with _started(contestant, scenario) as server:
        return measured(_job(scenario, contestant, server, pace, number))


def _started(contestant: Contestant, scenario: Scenario) -> Server | Cluster:
    if scenario.servers:
        return Cluster(contestant, scenario.servers, scenario.mode)
    return Server(contestant, scenario.mode)


def _job(
    scenario: Scenario,
    contestant: Contestant,
    server: Server | Cluster,
    pace: Pace,
    number: int,
) -> Job:
    job = Job(
        **scenario.job,
        **server.job,
        path=contestant.path,
        dialect=contestant.dialect,
        seconds=pace.seconds,
        warmup=pace.warmup,
        least=pace.least if number == 0 or scenario.fresh else 0,
        raw=contestant.raw,
    )
    return replace(job, connections=min(job.connections, pace.most_connections))


class _Servers:
    """Servers that go on from one scenario to the next."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[tuple[object, ...], Server | Cluster] = {}

    def running(self, contestant: Contestant, scenario: Scenario) -> Server | Cluster:
        """Server or cluster of that contestant, started when it is first asked for."""
        environment = tuple(sorted(contestant.environment.items()))
        command = (contestant.command, contestant.arguments, environment)
        key = (scenario.mode, scenario.servers, *command)
        if key not in self._running:
            self._running[key] = _started(contestant, scenario)
            self._stack.push(self._running[key])
        return self._running[key]


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
