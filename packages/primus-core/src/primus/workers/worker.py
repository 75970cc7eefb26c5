"""What runs in each worker: a server that its supervisor starts, drains and stops."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from primus.callables import is_awaitable
from primus.tasks import spawn
from primus.workers.control import Control
from primus.workers.elsewhere import Elsewhere
from primus.workers.hatch import Hatch
from primus.workers.notes import path_of, secret_of
from primus.workers.whereabouts import Place

if TYPE_CHECKING:
    from primus.server.hosts.base import Serving
    from primus.server.primus import Primus

__all__ = ["Assignment", "Setup", "heed_signals", "run_worker"]

Setup = Callable[["Primus[Any]"], Any]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is started with."""

    place: Place
    listener: int
    """The descriptor of the socket that it accepts connections on."""
    control: int
    """The descriptor of its end of the channel to the supervisor."""

    def dumps(self) -> str:
        """As a text, for the command line; without the secret, as any user sees that."""
        place = self.place
        named = {name: getattr(place, name) for name in Place.__slots__ if name != "secret"}
        return json.dumps({"place": named, "listener": self.listener, "control": self.control})

    @classmethod
    def loads(cls, text: str) -> Assignment:
        """The assignment that `dumps` has written.

        Raises:
            OSError: the secret of the workers is not there: the supervisor has gone.
        """
        told = json.loads(text)
        place = told["place"]
        place["secret"] = secret_of(place["folder"]).read_text()
        return cls(Place(**place), told["listener"], told["control"])


class _Orders:
    """What the supervisor has told this worker to do."""

    def __init__(
        self, control: Control, elsewhere: Elsewhere, end_together: Callable[[], object]
    ) -> None:
        self._control = control
        self._end_together = end_together
        self._elsewhere = elsewhere
        self.listen = asyncio.Event()
        """It may accept connections: all others know it."""
        self.end = asyncio.Event()
        """It is to end."""
        self.over: float | None = None
        """Seconds over which it ends its connections; `None` until that, or to stop at once."""
        self.is_orphan = False
        """Whether the supervisor has gone without a word."""

    async def follow(self) -> None:
        """Take note of what the supervisor says; without it, a worker ends."""
        while (order := await self._control.hear()) is not None:
            match order["is"]:
                case "workers":
                    self._elsewhere.whereabouts.update(order["workers"])
                    self._control.say("known", number=order["number"])
                case "listen":
                    self.listen.set()
                case "alive?":
                    self._control.say("alive")
                case "drain":
                    self.over = order["over"]
                    self._finish()
                case "stop":
                    self.stop()
        self.is_orphan = True
        self.stop()

    def stop(self) -> None:
        """End at once, even when it drains already."""
        self.over = None
        self._finish()
        self._end_together()

    def _finish(self) -> None:
        self.end.set()
        self.listen.set()


async def run_worker(
    assignment: Assignment,
    create: Callable[..., Awaitable[Primus[Any]]],
    setup: Setup | None,
    options: Mapping[str, Any],
) -> None:
    """Serve until the supervisor, or SIGTERM, ends it.

    Args:
        assignment: what the supervisor has started this process with.
        create: `Primus.create_server`, with its listener for ``connection``.
        setup: called, or awaited, with the Primus before it listens.
        options: of the Primus.
    """
    place = assignment.place
    control = await Control.open(socket.socket(fileno=assignment.control))
    hatch: Hatch | None = None
    orders: _Orders | None = None

    async def prepare(primus: Primus[Any]) -> None:
        nonlocal hatch, orders
        result: Any = None if setup is None else setup(primus)
        if is_awaitable(result):
            await result
        primus.elsewhere = elsewhere = Elsewhere(primus, place)
        orders = _Orders(control, elsewhere, primus.end_together)

        async def adopt(connection: socket.socket, early: bytes) -> None:
            await _server(primus).adopt(connection, early)

        hatch = Hatch(primus, path_of(place.folder, place.node), adopt)
        hatch.open()
        spawn(orders.follow())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, orders.stop)
        control.say("prepared")
        await orders.listen.wait()

    primus = await create(
        sock=socket.socket(fileno=assignment.listener),
        setup=prepare,
        **{**options, "node": place.node},
    )
    assert hatch is not None
    assert orders is not None
    control.say(
        "ready",
        url=primus.url,
        pathname=primus.pathname,
        transformer=primus.transformer_name,
        parser=primus.parser_name,
    )
    await orders.end.wait()
    over = orders.over
    if over is not None:
        _server(primus).stop_listening()  # its successor accepts from the same queue
    await primus.destroy(reconnect=True, over=over or 0.0)
    hatch.close()
    control.close()
    if orders.is_orphan:
        await asyncio.to_thread(shutil.rmtree, place.folder, ignore_errors=True)


def _server(primus: Primus[Any]) -> Serving:
    assert primus.host is not None
    assert primus.host.server is not None
    return primus.host.server


def heed_signals() -> None:
    """Leave signals that reach all processes of a terminal, Ctrl-C for one, to the supervisor.

    They are not ignored: that would be inherited by processes that the application starts. They
    are held back until here, so that they interrupt no import either.
    """
    signals = (signal.SIGINT, signal.SIGHUP)
    for number in signals:
        signal.signal(number, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
