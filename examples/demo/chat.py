"""The chat: the members, what was said, and what a tab may ask for.

Nothing that arrives is trusted: a message has one of the five shapes in `Chat.received`, or is
ignored; names and texts are cleaned and cut; and a tab that sends too much is not listened to.

A tab gives its name, and a token by which it is known again, in the query of its URL. So whatever
it wrote while there was no connection is said under the right name as soon as there is one.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
import unicodedata
from collections import deque
from typing import Any

from outage import Listener
from primus import Primus, Spark

HISTORY = 60
"""How many of the last notes a newcomer gets."""
NAME = 24
TEXT = 500
TOKEN = 40
"""The longest name, text and token, in characters."""
PEOPLE = 100
"""How many people are listed by name."""
BURST = 20
PER_SECOND = 8.0
"""How many messages a tab may send at once, and how many a second it may send for long."""
GRACE = 3.0
"""Seconds that a tab may be gone before the others are told: a reload is not an end."""


class Visitor:
    """One connected tab."""

    def __init__(self, spark: Spark) -> None:
        self.spark = spark
        self.name = name_of(spark.query.get("name")) or f"Guest {secrets.randbelow(9000) + 1000}"
        self.token = text_of(spark.query.get("tab"), TOKEN) or spark.id
        self.id = hashlib.sha256(self.token.encode()).hexdigest()[:16]
        """What the others know the tab by, over all its connections; the token is its secret."""
        self._tokens = float(BURST)
        self._filled = time.monotonic()

    def may_speak(self) -> bool:
        """Whether another message of this tab is to be listened to."""
        now = time.monotonic()
        self._tokens = min(BURST, self._tokens + (now - self._filled) * PER_SECOND)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Chat:
    """One room that every tab is in.

    Args:
        primus: the server.
        listener: what a tab may ask to be dropped.
    """

    def __init__(self, primus: Primus, listener: Listener) -> None:
        self.primus = primus
        self.listener = listener
        self.epoch = secrets.token_hex(8)
        """Tells the numbers of this process's notes from those of another."""
        self.visitors: dict[str, Visitor] = {}
        self.notes: deque[dict[str, Any]] = deque(maxlen=HISTORY)
        self._number = 0
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        primus.on("connection", self.arrived)
        primus.on("disconnection", self.departed)

    def arrived(self, spark: Spark) -> None:
        """Take a tab in."""
        visitor = self.visitors[spark.id] = Visitor(spark)
        spark.on("data", lambda message: self.received(visitor, message))
        # A copy: what is noted from here on comes by itself.
        welcome = {
            "type": "welcome",
            "you": visitor.id,
            "name": visitor.name,
            "epoch": self.epoch,
            "outage": self.listener.seconds,
            "notes": list(self.notes),
        }
        spark.write(welcome)
        if not self._stays(visitor.token):
            self.note("joined", visitor)
        self.tell_people()

    def departed(self, spark: Spark) -> None:
        """Let a tab go; the others hear of it unless it comes back soon."""
        visitor = self.visitors.pop(spark.id, None)
        if visitor is None:
            return
        # After an outage all clients take a while to come back.
        grace = GRACE + self.listener.wait
        self._stays(visitor.token)
        self._leaving[visitor.token] = asyncio.get_running_loop().call_later(
            grace, self._gone, visitor
        )
        if not self.listener.away:
            self.tell_people()

    def _gone(self, visitor: Visitor) -> None:
        self._leaving.pop(visitor.token, None)
        self.note("left", visitor)

    def _stays(self, token: str) -> bool:
        """Cancel the notice that a tab has gone; False when none was scheduled."""
        leaving = self._leaving.pop(token, None)
        if leaving is not None:
            leaving.cancel()
        return leaving is not None

    def received(self, visitor: Visitor, message: Any) -> None:
        """Do what a tab asks for."""
        if not visitor.may_speak():
            return
        match message:
            case {"type": "ping", "at": int() | float() as at}:
                visitor.spark.write({"type": "pong", "at": at})
            case {"type": "typing"}:
                self.tell_others(visitor, {"type": "typing", "id": visitor.id})
            case {"type": "say", "text": str() as text, "key": str() as key}:
                if text := text_of(text, TEXT):
                    self.note("said", visitor, text=text, key=text_of(key, TOKEN))
            case {"type": "rename", "name": str() as name}:
                self.rename(visitor, name_of(name))
            case {"type": "drop"}:
                self.drop(visitor)

    def rename(self, visitor: Visitor, name: str) -> None:
        """Give a tab another name."""
        if name and name != visitor.name:
            before, visitor.name = visitor.name, name
            self.note("renamed", visitor, before=before)
            self.tell_people()

    def drop(self, visitor: Visitor) -> None:
        """Take the server away, unless that has just been done."""
        if wait := self.listener.wait:
            visitor.spark.write({"type": "refused", "wait": wait})
            return
        self.note("dropped", visitor, seconds=self.listener.seconds)
        self.listener.drop()

    def note(self, kind: str, visitor: Visitor, **more: Any) -> None:
        """Send to every tab, now and later."""
        self._number += 1
        note = {
            "number": self._number,
            "kind": kind,
            "id": visitor.id,
            "name": visitor.name,
            "at": round(time.time() * 1000),
            **more,
        }
        self.notes.append(note)
        self.primus.write({"type": "note", "note": note})

    def tell_people(self) -> None:
        """Send the list of members to every tab."""
        people = [{"id": visitor.id, "name": visitor.name} for visitor in self.visitors.values()]
        self.primus.write({"type": "people", "count": len(people), "people": people[:PEOPLE]})

    def tell_others(self, visitor: Visitor, message: dict[str, Any]) -> None:
        """Send a message to all tabs but one."""
        for spark in self.primus:
            if spark is not visitor.spark:
                spark.write(message)


def text_of(value: object, longest: int) -> str:
    """`value` as one line of text without control characters; empty when it is no text."""
    if not isinstance(value, str):
        return ""
    line = " ".join(value[: 2 * longest].split())
    return "".join(c for c in line if unicodedata.category(c) not in {"Cc", "Cs"})[:longest]


def name_of(value: object) -> str:
    """`value` as a name: as `text_of`, and without characters that cannot be seen."""
    line = "".join(c for c in text_of(value, NAME) if unicodedata.category(c) != "Cf")
    return line.strip()
