from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypedDict

from primus_contract import Contract, Received, Sent
from primus_testing import PluginContract


class Vote(TypedDict):
    choice: str


class TestContract(PluginContract):
    plugin = "contract"


class TestWithEvents(PluginContract):
    plugin = "contract"
    options: ClassVar[Mapping[str, Any]] = {
        "contract": Contract(receives=[Received("vote", Vote)], sends=[Sent("tally", int)])
    }
    packets: ClassVar[Sequence[Callable[[Any], Any]]] = (
        lambda value: {"emit": ["vote", value]},
        lambda value: {"type": 0, "data": ["vote", value], "id": 1},
    )
