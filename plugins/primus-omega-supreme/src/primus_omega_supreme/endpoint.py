"""The endpoint: a layer that takes messages by HTTP and writes them to sparks."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from primus import ControlTextError, ParserError, Primus, PrimusError, Request, Response
from primus.callables import is_awaitable
from primus.http import BodyTooLarge
from primus_omega_supreme.message import (
    BATCH_HEADER,
    Envelope,
    InvalidBody,
    batch_success,
    failure,
    open_batch,
    open_envelope,
    success,
)
from primus_omega_supreme.options import Settings

__all__ = ["Endpoint"]


PENALTY: Final = 0.25
"""Seconds until a wrong secret is answered."""

LOG_PAUSE: Final = 60.0
"""Seconds between two lines about wrong secrets at least."""


class Endpoint:
    """Writes what is PUT here to all, some, or one of the sparks, and to rooms.

    It stands before authorization: a request with the secret needs nothing else.
    """

    def __init__(self, primus: Primus, settings: Settings) -> None:
        self._primus: Any = primus
        self._settings = settings
        self._authorization = sha256(settings.authorization.encode()).digest()
        self._url = settings.url or f"{primus.pathname}/omega/supreme"
        self._failures = 0  # since the last line in the log
        self._told_at = -LOG_PAUSE
        self._room = asyncio.Semaphore(settings.concurrently)

    async def layer(self, request: Request) -> Response | None:
        """The answer to a message; `None` for a request that is none."""
        if not self._is_meant(request):
            return None
        shown = request.headers["Authorization"].encode("utf-8", "surrogateescape")
        if not compare_digest(sha256(shown).digest(), self._authorization):
            return await self._unauthorized(request)
        async with self._room:  # no more bodies at a time than this are in memory
            return await self._take(request)

    def _is_meant(self, request: Request) -> bool:
        """As in Node, a request without credentials goes on to the layers behind.

        The path is compared to the letter: a proxy that denies it knows no other spelling.
        """
        return (
            request.method == self._settings.method
            and not request.query_string
            and request.path == self._url
            and "Authorization" in request.headers
        )

    async def _unauthorized(self, request: Request) -> Response:
        """Refuse a wrong secret, late: a peer that tries many of them waits for each."""
        self._report(request)
        await asyncio.sleep(PENALTY)
        refused = Response.json({"ok": False, "reason": "wrong username or password"}, 401)
        refused.headers["WWW-Authenticate"] = 'Basic realm="omega-supreme"'
        return refused

    def _report(self, request: Request) -> None:
        """Log wrong secrets, one line for many."""
        self._failures += 1
        now = self._primus.options.clock.time()
        if now - self._told_at < LOG_PAUSE:
            return
        self._primus.log.warning(
            "omega-supreme: wrong username or password from %s; %d since the last such line",
            request.address.ip,
            self._failures,
        )
        self._failures, self._told_at = 0, now

    async def _take(self, request: Request) -> Response | None:
        try:
            body = await self._read(request)
            if body is None or isinstance(body, Response):
                return body
            batch = open_batch(body)
        except BodyTooLarge:
            return _refusal(413, f"the body is longer than {self._settings.body_limit} bytes")
        except InvalidBody as error:
            return _refusal(error.status, str(error))
        if batch is None:
            result = await self._result(body)
            if not isinstance(result, int):
                return _refusal(result["status"], result["reason"])
            text = success(result)
        else:
            text = batch_success([await self._result_of(part) for part in batch])
        answer = Response(200, text, content_type="application/json")
        answer.headers[BATCH_HEADER] = "1"
        return answer

    async def _result_of(self, part: Any) -> int | dict[str, Any]:
        """As `_result`, for one of many: whatever becomes of it, the others get theirs."""
        try:
            return await self._result(part if isinstance(part, dict) else None)
        except Exception:
            self._primus.log.exception("omega-supreme: a message could not be written")
            return {"status": 500, "reason": "the message could not be written"}
        finally:
            await asyncio.sleep(0)  # a long batch leaves the others their turns

    async def _result(self, body: Any) -> int | dict[str, Any]:
        """How many sparks a message was written to, or the status and reason of a refusal."""
        try:
            return await self._write(open_envelope(body))
        except InvalidBody as error:
            return {"status": error.status, "reason": str(error)}
        except (ControlTextError, ParserError) as error:
            return {"status": 400, "reason": str(error)}
        except PrimusError as error:
            self._primus.log.warning("omega-supreme: %s", error)
            return {"status": 503, "reason": "the rooms cannot be told"}

    async def _read(self, request: Request) -> Any:
        """The body; from the option ``middleware``, if there is one."""
        if self._settings.middleware is None:
            return await request.read(self._settings.body_limit)
        body = self._settings.middleware(request)
        return await body if is_awaitable(body) else body

    async def _write(self, envelope: Envelope) -> int:
        """Write to the sparks that it is for; how many those were."""
        primus = self._primus
        backplane = vars(primus).get("backplane")
        if envelope.posted and backplane and not backplane.takes_otherwise(*envelope.posted):
            return 0
        if envelope.rooms is not None:
            if not hasattr(primus, "room"):
                raise InvalidBody("the plugin rooms is not in use here", 400)
            chosen = primus.room(envelope.rooms).except_(envelope.without).local
            count = chosen.write(envelope.msg)
            return int(await count if is_awaitable(count) else count)
        if envelope.sparks is None:
            sparks = [spark for spark in primus if spark.id not in envelope.without]
        else:
            ids = (id for id in envelope.sparks if id not in envelope.without)
            sparks = [spark for id in ids if (spark := primus.spark(id)) is not None]
        primus.write(envelope.msg, to=sparks)
        return len(sparks)


def _refusal(status: int, reason: str) -> Response:
    return Response(status, failure(reason), content_type="application/json")
