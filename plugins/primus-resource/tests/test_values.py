"""What an application returns, made of what parsers know."""

from collections import UserDict
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from primus_resource.values import plain


class Colour(Enum):
    """A colour."""

    RED = "red"


@dataclass
class Item:
    """One thing."""

    text: str
    colours: list[Colour]


class Model:
    """As pydantic has them."""

    def model_dump(self, mode: str) -> Any:
        return {"mode": mode}


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (None, None), (1, 1), ("a", "a"), (b"a", b"a"), ([1, [2]], [1, [2]]),
        ((1, Colour.RED), (1, "red")), ({"a": Colour.RED}, {"a": "red"}),
        (Item("a", [Colour.RED]), {"text": "a", "colours": ["red"]}),
        ([Item("a", [])], [{"text": "a", "colours": []}]),
        (UserDict(a=1), {"a": 1}), ({Colour.RED}, ["red"]), (date(2026, 11, 29), "2026-11-29"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"), (Model(), {"mode": "json"}),
    ],
)  # fmt: skip
def test_values_become_plain(value: Any, made: Any) -> None:
    assert plain(value) == made


def test_what_is_unknown_stays() -> None:
    unknown = object()
    assert plain(unknown) is unknown
