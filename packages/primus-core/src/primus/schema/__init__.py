"""Values from a peer as values of declared types: dataclasses, TypedDicts, msgspec and pydantic.

    @dataclass
    class Vote:
        choice: Literal["tea", "coffee"]
        weight: Annotated[int, Bounds(ge=1, le=3)] = 1

    convert({"choice": "tea"}, Vote)    # Vote(choice='tea', weight=1)
    convert({"choice": "milk"}, Vote)
    # ValidationError: choice: must be 'tea' or 'coffee', not 'milk'

`Type` is a declared type, read once; `Arguments` are the parameters of a function. What is no
JSON is made of it: dates of ISO texts, enumerations of their values, sets of lists. An integer
does for a ``float``; nothing else is taken for something that it is not. Keys that are not
declared are ignored. Structs of msgspec and models of pydantic are converted by their libraries,
which need not be installed otherwise.
"""

from primus.errors import ValidationError
from primus.schema.arguments import Arguments
from primus.schema.bounds import Bounds
from primus.schema.foreign import Foreign
from primus.schema.nodes import (
    Anything,
    Choice,
    Items,
    Keyed,
    Node,
    OneOf,
    Record,
    RecordField,
    Scalar,
    Together,
    Within,
)
from primus.schema.reading import Type, convert

__all__ = [
    "Anything",
    "Arguments",
    "Bounds",
    "Choice",
    "Foreign",
    "Items",
    "Keyed",
    "Node",
    "OneOf",
    "Record",
    "RecordField",
    "Scalar",
    "Together",
    "Type",
    "ValidationError",
    "Within",
    "convert",
]
