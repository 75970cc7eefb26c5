"""`Metroplex`: what a Primus knows of the other servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from secrets import token_hex
from typing import Any, Final, Self, TypeVar

from primus import Primus, Spark
from primus.clock import Within
from primus.events import Emitter, ReservedEvents
from primus_metroplex.address import derived
from primus_metroplex.backends import open_registry
from primus_metroplex.errors import AddressTaken, MetroplexError
from primus_metroplex.options import Settings, address_of
from primus_metroplex.reconciler import Reconciler
from primus_metroplex.registry import Registry
from primus_metroplex.server_list import ServerList

__all__ = ["EVENTS", "Metroplex"]

Result = TypeVar("Result")

QUESTIONS: Final = 32
"""How many questions the registry is asked at a time; a pool of connections has an end."""

HOLDS: Final = 15.0
"""Seconds that the list of servers holds at most while the registry tells of its changes; it is
looked at every ten seconds or sooner."""

HOLDS_UNTOLD: Final = 1.0
"""Seconds that it holds while the registry does not."""

PROCESS: Final = token_hex(8)
"""Tells this process from others; with its id, since a process may be forked."""

EVENTS = frozenset({"register", "unregister", "error"})


class Metroplex(Emitter):
    """The servers that share a registry, and which spark is at which.

    Events, here and on the Primus: ``register(address)`` when the registry knows all about this
    server, again after it was away; ``unregister(address)``; ``error(err)`` when it has gone away.
    """

    events = ReservedEvents(EVENTS)

    def __init__(self, primus: Primus, settings: Settings) -> None:
        super().__init__()
        self.primus: Any = primus
        self.namespace = settings.namespace
        """What the keys in Redis begin with, without the colon."""
        self.interval = settings.interval
        """How long the registry knows a server that does not renew its lease, in seconds."""
        self.latency = settings.latency
        """How long a command may take, in seconds; the lease is renewed so much before its end."""
        self._settings = settings
        self._list = ServerList()
        self._room = asyncio.Semaphore(QUESTIONS)
        self._reconciler = Reconciler(
            settings,
            primus.options.clock,
            f"{PROCESS}.{os.getpid()}.{id(primus):x}",
            registry=lambda: open_registry(settings),
            sparks=lambda: [spark.id for spark in primus],
            told=self._registered,
            failed=self._went_away,
            changed=self._list.ask_again,
            found=self._learn,
            lost=self._lost,
        )
        self._is_away = False
        self._is_taken = False  # whether another server has the address
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Metroplex {self.address or 'without an address'}>"

    @property
    def address(self) -> str:
        """The address of this server; empty until it is known, or while another server has it."""
        return "" if self._is_taken else self._reconciler.address

    @property
    def redis(self) -> Any:
        """The Redis client in use; `None` for a registry in this process, or until it is opened."""
        return getattr(self._reconciler.registry, "redis", None)

    # -- this server

    def begin(self) -> None:
        """Register, as soon as there is an address."""
        address = self._settings.address or derived(self.primus)
        if address is None:
            self.primus.log.warning(
                "metroplex: no address: the other servers cannot reach this one. Say address=…, "
                "such as 'http://10.0.0.2:8080'."
            )
        elif not self.address:
            self._reconciler.start(address)

    async def register(self, address: str | None = None) -> str:
        """Register this server, with all its sparks.

        Args:
            address: where the other servers reach it; `None` for what the options say, or where a
                server of its own listens.

        Returns:
            The address.

        Raises:
            OptionError: it is no address.
            MetroplexError: there is none, or the registry is away; once back, it is told.
        """
        wanted = address or self._settings.address or derived(self.primus)
        if wanted is None:
            raise MetroplexError("there is no address to register; give one")
        return await self._reconciler.start(address_of(wanted))

    async def unregister(self, address: str | None = None) -> None:
        """Unregister a server and its sparks.

        Args:
            address: of the server; `None` for this one, which stops renewing its lease.

        Raises:
            OptionError: it is no address.
            MetroplexError: the registry is away.
        """
        target = self.address if address is None else address_of(address)
        if target == self.address:
            await self._reconciler.stop()
        if target:
            owner = self._reconciler.owner if address is None else None
            await self._ask(lambda registry: registry.unregister(target, owner))
            self._list.gone(target)
            self._tell("unregister", target)

    def connect(self, spark: Spark) -> Self:
        """Register a spark, soon."""
        self._reconciler.changed(spark.id, here=True)
        return self

    def disconnect(self, spark: Spark) -> Self:
        """Unregister a spark, soon."""
        self._reconciler.changed(spark.id, here=False)
        return self

    # -- all servers

    async def servers(self, include_self: bool = False) -> list[str]:
        """The addresses of the servers there are.

        Args:
            include_self: whether this one is among them.

        Raises:
            MetroplexError: the registry is away.
        """
        asked = self._list.asked
        found = await self._ask(lambda registry: registry.servers())
        servers = self._learn(list(dict.fromkeys((*found, *self._trusted()))), asked)
        return [address for address in servers if include_self or address != self.address]

    def known(self, *, away: bool = False) -> list[str] | None:
        """The addresses of the other servers, when the registry need not be asked for them.

        They are known for some seconds after the registry has told them, until it tells that they
        have changed, and as long as it is away.

        Args:
            away: whether the registry has just failed to tell them: it is noticed to be away soon.
        """
        is_away = away or self._is_away
        known = self._list.last(self._now()) if is_away else self._list.known(self._now())
        return None if known is None else [each for each in known if each != self.address]

    def ask_again(self) -> None:
        """Ask the registry for the servers the next time: one of them does not answer."""
        self._list.ask_again()

    async def spark(self, id: str) -> str | None:
        """The address of the server that a spark is at; `None` for one unknown.

        Raises:
            MetroplexError: the registry is away, and the spark is not here.
        """
        return (await self.sparks([id]))[0]

    async def sparks(self, ids: Sequence[str]) -> list[str | None]:
        """The addresses of the servers that sparks are at, in their order; `None` for one unknown.

        Raises:
            MetroplexError: the registry is away, and not all sparks are here.
        """
        places = {id: self._here(id) for id in ids}
        away = [id for id, place in places.items() if place is None]
        if away:
            trusted = self._trusted()
            found = await self._ask(lambda registry: registry.addresses(away, trusted))
            places.update(zip(away, found, strict=True))
        return [places[id] for id in ids]

    def _here(self, id: str) -> str | None:
        return self.address or None if self.primus.spark(id) is not None else None

    # -- the end

    async def close(self) -> None:
        """Unregister, for no longer than `latency`, and let go of everything."""
        self._is_closed = True
        registry = self._reconciler.registry
        try:
            async with Within(self.latency):
                await self._reconciler.stop()
                if self.address and registry is not None and not self._is_away:
                    await registry.unregister(self.address, self._reconciler.owner)
                    self._tell("unregister", self.address)
        except Exception as error:
            reason = str(error) or f"no answer within {self.latency} s"
            self.primus.log.warning("metroplex: could not unregister: %s", reason)
        finally:
            self._reconciler.address, self._reconciler.registry = "", None
            if registry is not None:
                await registry.unwatch(self._reconciler.owner)
                await registry.close()

    # -- inside

    async def _ask(self, question: Callable[[Registry], Awaitable[Result]]) -> Result:
        if self._is_closed:
            raise MetroplexError("the server has been destroyed, or the plugin taken out")
        try:
            async with self._room:
                return await question(await self._reconciler.opened())
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise MetroplexError(f"the registry is away: {reason}") from error

    def _now(self) -> float:
        return float(self.primus.options.clock.time())

    def _trusted(self) -> Sequence[str]:
        """The servers that count although their lease has ended: those of before the registry took
        no more leases, as long as that lasts."""
        return (self._list.last(self._now()) or ()) if self._is_away else ()

    def _learn(self, servers: Sequence[str], asked: int | None = None) -> Sequence[str]:
        registry = self._reconciler.registry
        holds = HOLDS if registry is not None and registry.is_watched else HOLDS_UNTOLD
        return self._list.learn(servers, self._now(), holds, asked)

    def _lost(self) -> None:
        self._list.lost(self._now())

    def _registered(self, address: str) -> None:
        self._is_taken = False
        if self._is_away:
            self._is_away = False
            self._lost()
            self.primus.log.info("metroplex: the registry is back, and knows all about %s", address)
        self._tell("register", address)

    def _went_away(self, error: MetroplexError) -> None:
        self._is_taken = isinstance(error, AddressTaken)
        self._is_away = not self._is_taken
        if self._is_taken:
            self.primus.log.error(
                "metroplex: %s; the sparks of this server are found by no other one. Give each "
                "server its own address=…; workers that share a port cannot have one: use the "
                "plugin backplane",
                error,
            )
        else:
            self.primus.log.warning("metroplex: %s; connections go on, it is tried again", error)
        self._tell("error", error)

    def _tell(self, event: str, value: Any) -> None:
        self.dispatch(event, value)
        self.primus.dispatch(event, value)
