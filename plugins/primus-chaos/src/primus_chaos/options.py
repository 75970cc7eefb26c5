"""The options of the plugin, for servers and sockets alike, their checks, and its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import float_info
from types import MappingProxyType
from typing import Any, Final, TypedDict

from primus import ClientOptions, OptionError, Order, ServerOptions, hookimpl

__all__ = [
    "CHECKS",
    "DEFAULTS",
    "ChaosOptions",
    "ChaosSocketOptions",
    "primus_options",
    "primus_order",
    "seed",
]

LARGEST: Final = float_info.max

DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "chaos_delay": (0.0, 0.0),
        "chaos_drop": 0.0,
        "chaos_refuse": 0.0,
        "chaos_cut": None,
        "chaos_seed": None,
    }
)


class _ChaosOptions(TypedDict, total=False):
    chaos_delay: float | tuple[float, float]
    chaos_drop: float
    chaos_refuse: float
    chaos_cut: float | tuple[float, float] | None
    chaos_seed: int | None


class ChaosOptions(_ChaosOptions, ServerOptions, total=False):
    """The options of a server with the plugin ``chaos``."""


class ChaosSocketOptions(_ChaosOptions, ClientOptions, total=False):
    """The options of a socket with the plugin ``chaos``."""


@hookimpl
def primus_order() -> Order:
    """Before the plugins that take messages for themselves: those are to have trouble too.

    Messages of substreams pass the transforms by themselves, so that they had it twice.
    """
    return Order(before=["emit", "emit-broadcast", "emitter"], after="substream")


@hookimpl
def primus_options() -> Mapping[str, object]:
    """No trouble, until it is asked for."""
    return DEFAULTS


def _number(value: Any) -> float | None:
    """`value` when it is finite and not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= LARGEST else None


def span(name: str, value: Any) -> tuple[float, float]:
    """Seconds from one number to another; a single number stands for both.

    Raises:
        OptionError: it is neither, or the first is the larger one.
    """
    pair = value if isinstance(value, tuple | list) else (value, value)
    numbers = [number for each in pair if (number := _number(each)) is not None]
    if len(pair) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:
        raise OptionError(f"{name}={value!r}: must be seconds >= 0, or a pair such as (0.1, 0.5)")
    return numbers[0], numbers[1]


def probability(name: str, value: Any) -> float:
    """A number from 0 (never) to 1 (always).

    Raises:
        OptionError: it is something else.
    """
    number = _number(value)
    if number is None or number > 1:
        raise OptionError(f"{name}={value!r}: must be a probability from 0 to 1")
    return number


def optional_span(name: str, value: Any) -> tuple[float, float] | None:
    """As `span`; `None` and `False` stand for never.

    Raises:
        OptionError: it is none of these.
    """
    return None if value is None or value is False else span(name, value)


def seed(name: str, value: Any) -> int | float | str | bytes | None:
    """What `random.Random` can be started with; `None` for anything.

    Raises:
        OptionError: it is something else.
    """
    if value is not None and not isinstance(value, int | float | str | bytes):
        raise OptionError(f"{name}={value!r}: must be a number or a text")
    return value


CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = MappingProxyType(
    {"delay": span, "drop": probability, "refuse": probability, "cut": optional_span}
)
