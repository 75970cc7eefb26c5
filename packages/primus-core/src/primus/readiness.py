"""`hold_clients`: the first clients wait for a plugin."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

from primus.clock import Within
from primus.http import Request

__all__ = ["hold_clients"]

PATIENCE: Final = 1.0
"""Seconds that a client waits, at most; half of ``handshake_timeout`` where that is less."""


def hold_clients(primus: Any, name: str, ready: asyncio.Event) -> None:
    """Let requests for new connections wait until a plugin is ready, or for a second.

    A server takes clients as soon as it listens. One that does not hear other servers yet would
    let its first clients miss what these write. The first client that has waited switches the layer
    off that does it.

    Args:
        primus: the server.
        name: of the plugin.
        ready: set when the plugin is ready, or when that may take long.
    """

    layer = f"{name}: first clients"  # an application may have called a layer like the plugin
    patience = min(PATIENCE, (primus.limits.handshake_timeout or math.inf) / 2)

    async def wait() -> None:
        with suppress(TimeoutError):
            async with Within(patience, primus.options.clock):
                await ready.wait()
        primus.disable(layer)

    def hold(request: Request) -> Awaitable[None] | None:
        return wait() if primus.transformer.opens(request) else None

    primus.before(layer, hold)
