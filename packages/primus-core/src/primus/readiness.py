"""`hold_clients`: the first clients wait for a plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

from primus.clock import Within
from primus.http import Request

__all__ = ["hold_clients"]

PATIENCE: Final = 1.0
"""Seconds that a client waits, at most."""


def hold_clients(primus: Any, name: str, ready: asyncio.Event) -> None:
    """Let requests for new connections wait until a plugin is ready, or for a second.

    A server takes clients as soon as it listens. One that does not hear other servers yet would
    let its first clients miss what these write.

    Args:
        primus: the server.
        name: of the layer that does it, which the first client that has waited switches off.
        ready: set when the plugin is ready, or when that may take long.
    """

    async def wait() -> None:
        with suppress(TimeoutError):
            async with Within(PATIENCE, primus.options.clock):
                await ready.wait()
        primus.disable(name)

    def hold(request: Request) -> Awaitable[None] | None:
        return wait() if primus.transformer.opens(request) else None

    primus.before(name, hold)
