"""What was found, round by round, and what that comes to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from .contestants import REFERENCE
from .scenarios import Scenario

__all__ = ["Column", "Results"]

Rounds = dict[int, dict[str, float]]


@dataclass
class Column:
    """One scenario: the rounds of each contestant."""

    name: str
    group: str
    title: str
    rounds: dict[str, Rounds] = field(default_factory=dict)

    def typical(self, contestant: str, figure: str) -> float | None:
        """The median of a figure over the rounds; `None` when it was not found."""
        found = self._all(contestant, figure)
        return median(found.values()) if found else None

    def ratio(self, contestant: str, figure: str, to: str = REFERENCE) -> float | None:
        """How many times less than `to`: the median over the rounds that both were in."""
        ours, theirs = self._all(contestant, figure), self._all(to, figure)
        both = [theirs[number] / ours[number] for number in ours.keys() & theirs.keys()]
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
        column = Column(scenario.name, scenario.group, scenario.title)
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
    def parse(cls, text: str) -> Results:
        """What `text` has written."""
        found = json.loads(text)
        results = cls(starting=found["starting"], about=found["about"])
        for each in found["columns"]:
            column = _column(each)
            results.columns[column.name] = column
        return results


def _column(found: dict[str, Any]) -> Column:
    rounds = {
        contestant: {int(number): figures for number, figures in each.items()}
        for contestant, each in found.pop("rounds").items()
    }
    return Column(**found, rounds=rounds)
