"""What was found, round by round, and what that comes to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from .scenarios import Scenario

__all__ = ["Column", "Results"]

NODE = "node primus"
Rounds = dict[int, dict[str, float]]


@dataclass
class Column:
    """One scenario: the rounds of each contestant."""

    name: str
    group: str
    title: str
    beside: str = ""
    rounds: dict[str, Rounds] = field(default_factory=dict)

    def typical(self, contestant: str, figure: str) -> float | None:
        """The median of a figure over the rounds; `None` when it was not found."""
        found = self._all(contestant, figure)
        return median(found.values()) if found else None

    @property
    def reference(self) -> str:
        """The contestant that the others are compared to: Primus on Node, if it takes part."""
        return next((name for name in self.rounds if name.startswith(NODE)), "")

    def ratio(self, contestant: str, figure: str) -> float | None:
        """How many times less than the reference: the median over the rounds of both."""
        ours, theirs = self._all(contestant, figure), self._all(self.reference, figure)
        both = [theirs[number] / ours[number] for number in ours.keys() & theirs.keys()]
        return median(both) if both else None

    def difference(self, contestant: str, figure: str, plain: Column) -> float | None:
        """How much more than in `plain`: the median over the rounds of both."""
        ours, theirs = self._all(contestant, figure), plain._all(contestant, figure)
        both = [ours[number] - theirs[number] for number in ours.keys() & theirs.keys()]
        return median(both) if both else None

    def _all(self, contestant: str, figure: str) -> dict[int, float]:
        rounds = self.rounds.get(contestant, {})
        return {number: found[figure] for number, found in rounds.items() if figure in found}


@dataclass
class Results:
    """All columns, and what belongs to no scenario."""

    columns: dict[str, Column] = field(default_factory=dict)
    starting: dict[str, dict[str, float]] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    def enter(self, scenario: Scenario, names: list[str]) -> None:
        """Make room for a scenario."""
        column = Column(scenario.name, scenario.group, scenario.title, scenario.beside)
        column.rounds = {name: {} for name in names}
        self.columns[scenario.name] = column

    def add(
        self, scenario: Scenario, contestant: str, number: int, figures: dict[str, float]
    ) -> None:
        """Note what a round has brought."""
        self.columns[scenario.name].rounds[contestant][number] = figures

    def group(self, name: str) -> list[Column]:
        """The columns of a table."""
        return [column for column in self.columns.values() if column.group == name]

    def text(self) -> str:
        """Everything, as JSON."""
        columns = [vars(column) for column in self.columns.values()]
        found = {"about": self.about, "starting": self.starting, "columns": columns}
        return json.dumps(found, indent=1)

    @classmethod
    def parse(cls, *texts: str) -> Results:
        """What `text` has written, of several runs taken together."""
        results = cls()
        for found in map(json.loads, texts):
            results.about |= found["about"]
            results.starting |= found["starting"]
            results.columns |= {each["name"]: _column(each) for each in found["columns"]}
        return results


def _column(found: dict[str, Any]) -> Column:
    rounds = {
        contestant: {int(number): figures for number, figures in each.items()}
        for contestant, each in found.pop("rounds").items()
    }
    return Column(**found, rounds=rounds)
