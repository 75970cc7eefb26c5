"""`RedisPoster`: sends batches by pipelines of scripts."""

from __future__ import annotations

from redis.exceptions import NoScriptError

from primus_backplane.links import Lane
from primus_backplane.outbox import Batch
from primus_backplane.posting import Poster
from primus_backplane.redis.link import Link
from primus_backplane.redis.scripts import POST, TELL

__all__ = ["RedisPoster"]

PART = "posting"


class RedisPoster(Poster):
    """Posts and tells, in order, each until Redis has it.

    Args:
        link: the connection.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._link = link

    async def _send_all(self, work: dict[Lane, list[Batch]]) -> bool:
        link = self._link
        try:
            async with link.poster.pipeline(transaction=False) as pipeline:
                for lane, batches in work.items():
                    self._add(pipeline, lane, batches)
                results = await pipeline.execute(raise_on_error=False)
        except Exception as error:
            for lane in work:
                self.outbox.failed(lane)
            link.failing(PART, error)
            return False
        failures = [
            result
            for (lane, batches), result in zip(work.items(), results, strict=True)
            if not self._settle(lane, batches, result)
        ]
        if not failures:
            link.working(PART)
            return True
        if all(isinstance(each, NoScriptError) for each in failures):
            return await self._load()
        link.failing(PART, failures[0])
        return False

    def _add(self, pipeline: object, lane: Lane, batches: list[Batch]) -> None:
        link, entries = self._link, [batch.packed() for batch in batches]
        keys = link.keys(lane).all
        if isinstance(lane, int):
            window = int(link.settings.window * 1000)
            link.add(pipeline, POST, keys, window, *entries)
        else:
            window = int(self._limits.inbox_window * 1000)
            link.add(pipeline, TELL, (*keys, link.servers), window, lane, *entries)

    def _settle(self, lane: Lane, batches: list[Batch], result: object) -> bool:
        """Take note of an answer; whether it is none of a broker that fails."""
        if isinstance(result, Exception):
            self.outbox.failed(lane)
            return False
        self._told(lane, batches, result != 0)
        return True

    async def _load(self) -> bool:
        """Let the broker have the scripts."""
        try:
            for script in (POST, TELL):
                await self._link.poster.script_load(script)
        except Exception as error:
            self._link.failing(PART, error)
            return False
        self._wake.set()
        return True
