"""The HTTP middleware: named layers that a request passes in order."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import replace
from itertools import takewhile
from operator import attrgetter
from typing import Any

from primus.callables import is_awaitable
from primus.errors import OptionError
from primus.http import Passage, Request, Response
from primus.layer import Layer, LayerFunction
from primus.option_checks import no_layer

__all__ = ["Layer", "LayerFunction", "Layers"]


class Sorted:
    """Layers that are enabled, by what they run for."""

    __slots__ = ("by_head", "for_requests", "for_upgrades", "of", "others")

    def __init__(self, of: list[Layer]) -> None:
        self.of = of
        """The layers, enabled or not."""
        self.for_upgrades = tuple(layer for layer in of if layer.enabled and layer.upgrade)
        self.for_requests = tuple(layer for layer in of if layer.enabled and layer.http)
        self.by_head = tuple(takewhile(attrgetter("by_head"), self.for_requests))
        """The first ones, which see no two requests of a client that are alike."""
        self.others = self.for_requests[len(self.by_head) :]


class Layers:
    """The layers of one Primus."""

    def __init__(self) -> None:
        self._layers: list[Layer] = []
        self._sorted = Sorted(self._layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __contains__(self, name: object) -> bool:
        return any(layer.name == name for layer in self._layers)

    def add(self, layer: Layer, index: int | None = None) -> None:
        """Put a layer at `index`, before the layer it names, or at the end.

        A layer whose name is there already takes that one's place.

        Raises:
            OptionError: its function cannot be called, or ``before`` names no layer.
        """
        if not callable(layer.fn):
            raise OptionError(f"the layer {layer.name!r} must be a function, not {layer.fn!r}")
        if (why := no_layer(layer.fn)) is not None:
            raise OptionError(f"the layer {layer.name!r} ({layer.fn!r}): {why}")
        place = self.index(layer.name)
        layers = list(self._layers)
        if place is not None:
            layers[place] = layer
        else:
            layers.insert(self._place(layer, index), layer)
        self._layers = layers

    def _place(self, layer: Layer, index: int | None) -> int:
        if layer.before is not None:
            place = self.index(layer.before)
            if place is None:
                raise OptionError(f"the layer {layer.name!r}: there is no layer {layer.before!r}")
            return place
        if index is not None and 0 <= index < len(self._layers):
            return index
        return len(self._layers)

    def remove(self, name: str) -> bool:
        """Take a layer out; False when there is none of that name."""
        kept = [layer for layer in self._layers if layer.name != name]
        removed = len(kept) < len(self._layers)
        self._layers = kept
        return removed

    def switch(self, name: str, enabled: bool) -> bool:
        """Enable or disable a layer; False when there is none of that name."""
        place = self.index(name)
        if place is None:
            return False
        # A new layer in its place: a snapshot keeps the old one.
        layers = list(self._layers)
        layers[place] = replace(layers[place], enabled=enabled)
        self._layers = layers
        return True

    def index(self, name: str) -> int | None:
        """Where the layer of that name stands, or `None`."""
        for place, layer in enumerate(self._layers):
            if layer.name == name:
                return place
        return None

    def run(self, request: Request) -> Response | None | Awaitable[Response | None]:
        """The answer of the first layer that has one, or `None` when the request passes.

        It has to be awaited when a layer on the way is async.
        """
        layers = self._sorted
        if layers.of is not self._layers:
            layers = self._sorted = Sorted(self._layers)
        if request.upgrade:
            return _run(layers.for_upgrades, request)
        passage = request.passage
        if passage is None:
            return _run(layers.for_requests, request)
        if (
            passage.layers is layers
            and passage.path == request.path
            and passage.method == request.method
        ):
            request.response_headers.extend(passage.headers)
            request.address, request.secure = passage.address, passage.secure
        elif (answer := _pass(layers, request, passage)) is not None:
            return answer
        return _run(layers.others, request)

    def snapshot(self) -> list[Layer]:
        """The layers as they are now, to be given to `restore`."""
        return list(self._layers)

    def restore(self, layers: list[Layer]) -> None:
        """Restore exactly these layers."""
        self._layers = list(layers)


def _pass(
    layers: Sorted, request: Request, passage: Passage
) -> Response | None | Awaitable[Response | None]:
    """Run the layers that go by the head, and note what they make of a request that passes."""
    for layer in layers.by_head:
        result: Any = layer.fn(request)
        if result is not None:
            if is_awaitable(result):
                return _run_on(layer, result, layers.for_requests, request)
            return _checked(layer, result)
    passage.layers = layers
    passage.method, passage.path = request.method, request.path
    passage.headers = request.response_headers.copy()
    passage.address, passage.secure = request.address, request.secure
    return None


def _run(
    layers: tuple[Layer, ...], request: Request
) -> Response | None | Awaitable[Response | None]:
    for layer in layers:
        result: Any = layer.fn(request)
        if result is not None:
            if is_awaitable(result):
                return _run_on(layer, result, layers, request)
            return _checked(layer, result)
    return None


async def _run_on(
    layer: Layer, pending: Awaitable[Any], layers: tuple[Layer, ...], request: Request
) -> Response | None:
    result = await pending
    if result is not None:
        return _checked(layer, result)
    rest = _run(layers[layers.index(layer) + 1 :], request)
    return await rest if isinstance(rest, Awaitable) else rest


def _checked(layer: Layer, result: Any) -> Response:
    if not isinstance(result, Response):
        raise TypeError(f"the layer {layer.name!r} must return a Response or None, not {result!r}")
    return result
