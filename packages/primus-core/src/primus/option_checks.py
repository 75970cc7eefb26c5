"""Checks of option values: each gives the value in its proper form, or raises `OptionError`."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Final

from primus.callables import bounds, obstacle
from primus.errors import OptionError
from primus.heartbeat import Generation
from primus.origins import origin_pattern

if TYPE_CHECKING:
    from primus.recovery import Backoff

UNUSABLE: Final = re.compile(r"[?#%{}\x00-\x20\x7f\ud800-\udfff]")
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
NODE: Final = re.compile(r"[A-Za-z0-9_]{1,32}")
NO_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

TLS: Final = ("ssl_context", "root", "cert", "key", "ca", "pfx", "passphrase")
"""The arguments of `Primus.create_server` for TLS."""

ARGUMENTS: Final = ("on_connection", "host", "port", "reuse_port", "sock", "setup", *TLS)
"""All that `Primus.create_server` takes beside the options."""

NOT_NEEDED: Final = ("iknowclusterwillbreakconnections",)
"""Options of Primus for Node.js that change nothing but its warnings."""

MILLISECONDS: Final = 10_000.0
"""A duration of so many seconds, three hours, is taken for one in milliseconds."""

LONGEST_DELAYS: Final = {"min": 100.0, "max": MILLISECONDS, "timeout": MILLISECONDS}
"""The same for the reconnect options."""

Network = IPv4Network | IPv6Network


def unknown(name: str, names: list[str], plugin: str = "", *, arguments: Iterable[str] = ()) -> str:
    """The message about an option that does not exist.

    Args:
        name: the option.
        names: those that there are.
        plugin: a plugin that is not in use and has such an option; empty for none.
        arguments: what may be given beside the options.
    """
    from difflib import get_close_matches

    is_of_client = "queue_size" in names
    beside = sorted(arguments)
    close = get_close_matches(name, [*names, *beside], cutoff=0.5)
    # Letters that have changed places make `prot`, which is as close to `root` as to `port`.
    close.sort(key=lambda each: sorted(each) != sorted(name))
    hint = f" Did you mean {close[0]!r}?" if close else ""
    if plugin:
        hint = f" It belongs to a plugin that is not in use: add {plugin!r} to the option 'plugin'."
    elif not beside and name in ARGUMENTS:
        hint = (
            " It is an argument of Primus.create_server. What runs an application has its own, such"
            " as web.run_app(app, port=8080)."
        )
    elif is_of_client and name in _TRANSPORT:
        hint = f" It goes into the option 'transport': transport={{{name!r}: …}}."
    elif name in NOT_NEEDED:
        hint = " It is one of Primus for Node.js, and not needed here: leave it out."
    listed = f"Options: {', '.join(sorted(names))}"
    if beside:
        listed += f". Arguments of create_server: {', '.join(beside)}"
    return f"unknown option {name!r}.{hint} {listed}"


def anything(name: str, value: Any) -> Any:
    """`value` as it is."""
    return value


def flag(name: str, value: Any) -> bool:
    """Whether `value` is true."""
    return bool(value)


def duration(name: str, value: Any) -> float | None:
    """Seconds above zero; `None` for `None` or `False`, which disable it."""
    if value is None or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise OptionError(f"{name}={value!r}: must be seconds > 0, or False to disable it")
    return _no_milliseconds(name, value, besides=", and False disables it")


def period(name: str, value: Any) -> float:
    """Seconds above zero, of what cannot be disabled."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise OptionError(f"{name}={value!r}: must be seconds > 0")
    return _no_milliseconds(name, value)


def _no_milliseconds(
    name: str, value: float, longest: float = MILLISECONDS, besides: str = ""
) -> float:
    """`value`, if it is not so long that it must be meant in milliseconds, as in Node."""
    if value >= longest and math.isfinite(value):
        raise OptionError(
            f"{name}={value!r}: seconds? Those are {value / 60:.0f} minutes; {value} "
            f"milliseconds are {name}={value / 1000:g}{besides}"
        )
    return float(value)


def seconds(name: str, value: Any) -> float:
    """Seconds from zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise OptionError(f"{name}={value!r}: must be seconds >= 0")
    return float(value)


def size(name: str, value: Any) -> int:
    """A whole number of bytes above zero."""
    return whole(name, value, of="bytes")


def whole(name: str, value: Any, least: int = 1, of: str = "") -> int:
    """A whole number, `least` or more; `of` says what it counts."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        bound = "> 0" if least == 1 else f">= {least}"
        counted = f" of {of}" if of else ""
        raise OptionError(f"{name}={value!r}: must be a whole number{counted} {bound}")
    return value


def count(name: str, value: Any) -> float:
    """A number from zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise OptionError(f"{name}={value!r}: must be a number >= 0")
    return value


def most(name: str, value: Any) -> int | None:
    """A whole number above zero; `None` for `None` or `False`, which set no limit."""
    if value is None or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise OptionError(f"{name}={value!r}: must be a whole number > 0, or None for no limit")
    return value


def pathname(name: str, value: Any) -> str:
    """A path below the root, with one slash before it and none behind."""
    if not isinstance(value, str) or not value.strip("/") or UNUSABLE.search(value):
        raise OptionError(f"{name}={value!r}: must be a path below the root, such as '/primus'")
    return "/" + value.strip("/")


def function(name: str, value: Any) -> Callable[..., Any] | None:
    """A callable, or `None`."""
    if value is not None and not callable(value):
        raise OptionError(f"{name}={value!r}: must be callable")
    result: Callable[..., Any] | None = value
    return result


def node(name: str, value: Any) -> str | None:
    """The name of a server, in which a hyphen would end it; `None` for a random one."""
    if value is not None and not (isinstance(value, str) and NODE.fullmatch(value)):
        raise OptionError(
            f"{name}={value!r}: must be 1 to 32 letters, digits or underscores, or None"
        )
    return value


def no_handler(fn: Callable[..., Any]) -> str | None:
    """Why a function is no authorization handler; `None` when it is called with the request."""
    return _not_of_request(fn, "refuse by raising Unauthorized")


def no_layer(fn: Callable[..., Any]) -> str | None:
    """Why a function is no layer of the middleware; `None` when it is called with the request."""
    return _not_of_request(fn, "return a Response to answer, or None to let the request pass")


def _not_of_request(fn: Callable[..., Any], instead: str) -> str | None:
    """Why a function cannot be called with the request, and what it does instead of a callback."""
    least, most = bounds(fn)
    if most < 1:
        return "it takes no argument, and gets the request"
    why = obstacle(fn, least, 1)
    return why and f"{why}: the request. There is no callback: {instead}"


def authorization(name: str, value: Any) -> Callable[..., Any] | None:
    """An authorization handler, or `None`."""
    handler = function(name, value)
    if handler is not None and (why := no_handler(handler)) is not None:
        raise OptionError(f"{name}={value!r}: {why}")
    return handler


def text(name: str, value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise OptionError(f"{name}={value!r}: must be a non-empty text")
    return value


def names(name: str, value: Any) -> tuple[str, ...]:
    """Names from a text (commas or spaces) or a list; `None` and `False` name nothing."""
    if value is None or value is False:
        return ()
    items = value.replace(",", " ").split() if isinstance(value, str) else value
    try:
        return tuple(str(item).strip() for item in items if str(item).strip())
    except TypeError:
        raise OptionError(f"{name}={value!r}: must be 'a, b' or a list of names") from None


def origins(name: str, value: Any) -> tuple[str, ...]:
    """Origins as browsers send them, or patterns for them."""
    return tuple(origin_pattern(name, origin) for origin in names(name, value))


def methods(name: str, value: Any) -> tuple[str, ...]:
    """HTTP methods, in upper case."""
    return tuple(method.upper() for method in names(name, value))


def networks(name: str, value: Any) -> tuple[Network, ...]:
    """IP networks; a single address is a network of one."""
    try:
        return tuple(ip_network(item, strict=False) for item in names(name, value))
    except ValueError as error:
        raise OptionError(f"{name}={value!r}: {error}") from None


def slow_consumer(name: str, value: Any) -> str:
    """One of the three policies."""
    if value not in ("disconnect", "drop", "buffer"):
        raise OptionError(f'{name}={value!r}: must be "disconnect", "drop" or "buffer"')
    return str(value)


def generation(name: str, value: Any) -> Generation:
    """A heartbeat generation, or ``auto``."""
    try:
        return Generation(value)
    except ValueError:
        raise OptionError(f'{name}={value!r}: must be "auto", "legacy" or "modern"') from None


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping."""
    if not isinstance(value, Mapping):
        raise OptionError(f"{name}={value!r}: must be a mapping")
    return value


def headers(name: str, value: Any) -> Mapping[str, str]:
    """Headers of requests: names, and values that can be sent (as UTF-8)."""
    given: Mapping[Any, Any] = mapping(name, value)
    for header, text in given.items():
        if not isinstance(header, str) or not TOKEN.fullmatch(header):
            raise OptionError(f"{name}: {header!r} is no name of a header")
        if not isinstance(text, str) or NO_VALUE.search(text):
            raise OptionError(
                f"{name}: the value of {header!r} must be a text without control characters"
            )
    return given


def tls(name: str, value: Any) -> Any:
    """What TLS is made with; `None` and `True` stand for the authorities this machine trusts."""
    if value is None or value is True or isinstance(value, SSLContext):
        return value
    raise OptionError(f"{name}={value!r}: must be an ssl.SSLContext")


def socket_path(name: str, value: Any) -> Any:
    """The path of a unix socket."""
    if not value or not isinstance(value, str | bytes | os.PathLike):
        raise OptionError(f"{name}={value!r}: must be the path of a socket")
    return value


def subprotocols(name: str, value: Any) -> Any:
    """Names of subprotocols, in a list; `None` for none."""
    listed = value is None or isinstance(value, list | tuple)
    if not listed or not all(isinstance(n, str) and TOKEN.fullmatch(n) for n in value or ()):
        raise OptionError(f"{name}={value!r}: must be a list of names")
    return value


_TRANSPORT: Final[dict[str, Callable[[str, Any], Any]]] = {
    "close_timeout": seconds,
    "headers": headers,
    "ssl": tls,
    "subprotocols": subprotocols,
    "unix": socket_path,
}
"""The ``transport`` options of a client that mean the same for every transformer."""


def transport(name: str, value: Any) -> Mapping[str, Any]:
    """The ``transport`` options of a client; those of a single transformer are its own affair."""
    options = mapping(name, value)
    for option, check in _TRANSPORT.items():
        if option in options:
            check(f"{name}[{option!r}]", options[option])
    return options


def backoff(name: str, value: Any) -> Backoff:
    """The reconnect options, from a mapping."""
    from dataclasses import fields

    from primus.recovery import Backoff

    if isinstance(value, Backoff):
        return value
    if value is None or value is True:
        return Backoff()
    if value is False:
        raise OptionError(f"{name}=False: strategy=False is what never reconnects")
    names = [f.name for f in fields(Backoff)]
    for key in mapping(name, value):
        if key not in names:
            raise OptionError(f"{name}: " + unknown(key, names))
        if key in LONGEST_DELAYS and isinstance(value[key], int | float):
            _no_milliseconds(f"{name}[{key!r}]", value[key], LONGEST_DELAYS[key])
    return Backoff(**value)


STRATEGIES: Final = frozenset({"disconnect", "online", "timeout"})


def strategy(name: str, value: Any) -> frozenset[str] | None:
    """The reconnection strategies; `None` for the default ones."""
    if value is None:
        return None
    if value is False:
        return frozenset()
    chosen = frozenset(item.lower() for item in names(name, value))
    if chosen - STRATEGIES:
        raise OptionError(
            f"{name}={value!r}: may name {', '.join(sorted(STRATEGIES))}, or be False"
        )
    return chosen or None
