"""The unmasking of websockets, without the rest of it.

A server needs no more of the library until a peer sends something else than whole messages, and all
of it takes a fifth of the time in which a server starts: its version module alone imports
``importlib.metadata``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, PathFinder
from importlib.util import module_from_spec

__all__ = ["apply_mask"]

COMPILED = "websockets.speedups"


def _compiled() -> Callable[[bytes, bytes], bytes] | None:
    """The function in C; `None` where the library was built without a compiler."""
    module = sys.modules.get(COMPILED)
    if module is None:
        package = PathFinder.find_spec("websockets")
        where = None if package is None else package.submodule_search_locations
        spec = None if where is None else PathFinder.find_spec(COMPILED, where)
        if spec is None or not isinstance(spec.loader, ExtensionFileLoader):
            return None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules.pop(COMPILED, None)  # it belongs to its package, which is not there yet
    function: Callable[[bytes, bytes], bytes] = module.apply_mask
    return function


def unmasking() -> Callable[[bytes, bytes], bytes]:
    """The fastest that there is."""
    compiled = _compiled()
    if compiled is not None:
        return compiled
    from websockets.utils import apply_mask

    return apply_mask


apply_mask = unmasking()
