"""What a type checker says of values from peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from primus import ValidationError
from primus.schema import Arguments, Bounds, Type, convert


@dataclass
class Vote:
    """A vote."""

    choice: Literal["tea", "coffee"]
    weight: Annotated[int, Bounds(ge=1)] = 1


vote = Type(Vote)


def counted(message: object) -> int:
    """The weight of a vote, whatever a peer sends."""
    try:
        taken = vote.convert(message)
    except ValidationError as error:
        print(error.field, error.reason)
        return 0
    print(taken.chioce)  # E: "Vote" has no attribute "chioce" | "chioce"
    return taken.weight


def again(message: object) -> Vote:
    """The same without reading the type before."""
    return convert(message, Vote)


print(Arguments(counted).convert([1]))
