"""Sessions over HTTP alone: a message is posted, and comes back in the answer to a poll."""

from __future__ import annotations

import json
import re
import select
import time
from urllib.parse import quote
from uuid import uuid4

from .exchange import Exchange, Stream, request
from .job import Job, Outcome
from .measuring import Measuring
from .messages import DIALECTS, SESSION_KEY, document, key_in

__all__ = ["polling"]

FORM = "application/x-www-form-urlencoded"


def polling(job: Job) -> Outcome:
    """Round trips: every message costs the server a POST and a GET."""
    clients = _Clients(job)
    clients.run(job.warmup, Outcome(), job.enough // 10)
    outcome = Outcome()
    with Measuring(job, outcome):
        clients.run(job.seconds, outcome)
    return outcome


class Client:
    """One session: a connection that polls, and one that posts."""

    def __init__(self, job: Job) -> None:
        self.poll, self.post = Exchange(job.port), Exchange(job.port)
        dialect = DIALECTS[job.dialect]
        opened = self.poll.ask(request("GET", job.port, dialect.handshake or job.path))
        if dialect.handshake:
            path = job.path.replace(SESSION_KEY, key_in(opened))
        else:
            sid = json.loads(opened[opened.index(b"{") : opened.rindex(b"}") + 1])["sid"]
            path = f"{job.path}&sid={sid}"
        self.poll_request = request("GET", job.port, path)
        if dialect.hello:
            self.post.ask(request("POST", job.port, path, dialect.hello))
        if dialect.hello or dialect.handshake:
            self.poll.ask(self.poll_request)
        body = dialect.wrapped(document(job.size))
        self.post_request = request("POST", job.port, path, body)
        self.missing = 0
        self.started = 0.0

    def begin(self) -> None:
        """Post a message, and poll for what comes back."""
        self.missing, self.started = 2, time.perf_counter()
        self.post.socket.sendall(self.post_request)
        self.poll.socket.sendall(self.poll_request)

    def took(self, exchange: Exchange, body: bytes) -> None:
        """Take an answer."""
        self.missing -= 1


ARRAY = re.compile(rb'\[(\d+),["\[]')


class NumberingClient(Client):
    """A session of BrowserChannel, whose requests and messages are numbered."""

    def __init__(self, job: Job) -> None:
        self.poll, self.post = Exchange(job.port), Exchange(job.port)
        self._port, self._rid, self._map, self._array = job.port, 1, 0, 0
        opened = self.post.ask(request("POST", job.port, f"{job.path}&RID=1", "count=0", FORM))
        self._path = f"{job.path}&SID={opened.decode().split(chr(34))[3]}"
        self._message = quote(DIALECTS[job.dialect].wrapped(document(job.size)), safe="")
        self.missing = 0
        self.started = 0.0

    def begin(self) -> None:
        """Post a message, and poll for what comes back, acknowledging what came before."""
        self._rid += 1
        path = f"{self._path}&RID={self._rid}&AID={self._array}"
        body = f"count=1&ofs={self._map}&req0__S={self._message}"
        self._map += 1
        self.post_request = request("POST", self._port, path, body, FORM)
        path = f"{self._path}&RID=rpc&CI=1&AID={self._array}&TYPE=xmlhttp"
        self.poll_request = request("GET", self._port, path)
        super().begin()

    def took(self, exchange: Exchange, body: bytes) -> None:
        """Take an answer."""
        super().took(exchange, body)
        if exchange is self.poll:
            self._array = int(ARRAY.findall(body)[-1])


class SockClient(Client):
    """A session of SockJS, which polls by POST, or reads an answer that goes on."""

    def __init__(self, job: Job) -> None:
        base, _, kind = job.path.replace(SESSION_KEY, uuid4().hex).rpartition("/")
        self.post = Exchange(job.port)
        self.poll_request = request("POST", job.port, f"{base}/{kind}")
        self._is_stream = kind == "xhr_streaming"
        if self._is_stream:
            self.poll: Exchange = Stream(job.port, self.poll_request)
        else:
            self.poll = Exchange(job.port)
            self.poll.ask(self.poll_request)
        body = DIALECTS[job.dialect].wrapped(document(job.size))
        self.post_request = request("POST", job.port, f"{base}/xhr_send", body)
        self.missing = 0
        self.started = 0.0

    def begin(self) -> None:
        """Post a message, and poll for what comes back unless it comes by itself."""
        if not self._is_stream:
            super().begin()
            return
        self.missing, self.started = 2, time.perf_counter()
        self.post.socket.sendall(self.post_request)


CLIENTS = {"browserchannel": NumberingClient, "sockjs": SockClient}
"""By dialect; the others are like Engine.IO."""


class _Clients:
    def __init__(self, job: Job) -> None:
        kind = CLIENTS.get(job.dialect, Client)
        self._clients = [kind(job) for _ in range(job.connections)]
        self._of: dict[int, tuple[Client, Exchange]] = {}
        self._epoll = select.epoll()
        for client in self._clients:
            for exchange in (client.poll, client.post):
                self._of[exchange.socket.fileno()] = (client, exchange)
                self._epoll.register(exchange.socket.fileno(), select.EPOLLIN)

    def run(self, seconds: float, outcome: Outcome, least: int = 0) -> None:
        """Go on for some seconds, and until all that was posted has come back."""
        end = time.perf_counter() + seconds
        busy = len(self._clients)
        for client in self._clients:
            client.begin()
        while busy:
            events = self._epoll.poll(5.0)
            if not events:
                raise TimeoutError(f"{busy} messages have not come back")
            for number, _ in events:
                client, exchange = self._of[number]
                body = exchange.body()
                if body is not None:
                    client.took(exchange, body)
                if client.missing:
                    continue
                now = time.perf_counter()
                outcome.count += 1
                outcome.latencies.append(now - client.started)
                if now < end or outcome.count < least:
                    client.begin()
                else:
                    busy -= 1
