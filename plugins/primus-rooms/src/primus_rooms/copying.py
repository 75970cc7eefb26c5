"""Deep copies of messages, without recursion: a peer decides how deeply they are nested (pure)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

__all__ = ["deep_copy"]

CONTAINERS: Final = (list, dict)


def deep_copy(value: Any) -> Any:
    """As `copy.deepcopy`, which stops at some 300 levels of lists and dicts."""
    whole = [value]
    waiting: list[Any] = [whole]
    memo: dict[int, Any] = {}
    while waiting:
        container = waiting.pop()
        places = enumerate(container) if type(container) is list else container.items()
        for place, item in places:
            if type(item) not in CONTAINERS:
                container[place] = deepcopy(item, memo)
            elif id(item) in memo:
                container[place] = memo[id(item)]
            else:
                container[place] = memo[id(item)] = item.copy()
                waiting.append(container[place])
    return whole[0]
