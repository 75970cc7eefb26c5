"""Events over the wire, under the commands of the peers in JavaScript."""

from collections.abc import Callable
from typing import Any

import wire


def hearing(on: str, name: str, **about: Any) -> Callable[..., None]:
    """Report an event; an acknowledgement that is asked for has the arguments."""

    def heard(*args: Any) -> None:
        ack = args[-1] if args and callable(args[-1]) else None
        plain = list(args[:-1] if ack else args)
        wire.report(on, "heard", name=name, args=plain, **about)
        if ack:
            ack(*plain)

    return heard


async def send(to: Any, name: str, args: list[Any], *, ask: bool) -> list[Any] | None:
    """Send an event of primus-emitter; with ``ask``, wait for what is acknowledged."""
    if not ask:
        to.send(name, *args)
        return None
    answer = await to.ask(name, *args)
    return list(answer) if isinstance(answer, tuple) else [answer]
