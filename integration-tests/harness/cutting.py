"""A proxy that breaks what passes through it, in the ways that BrowserChannel survives."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from primus_testing.scripted import stop_sites

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Cutting:
    """What has been broken so far: every other back channel with data, every other answer."""

    upstream: int
    port: int = 0
    cut: int = 0
    """Back channels that ended in the middle of a chunk."""
    lost: int = 0
    """Posts that reached the server, and whose answer did not reach the client."""
    _back_channels: int = 0
    _posts: int = 0
    _http: aiohttp.ClientSession = field(init=False)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, and what it is answered with, or some of it."""
        body = await request.read()
        url = URL(f"http://127.0.0.1:{self.upstream}{request.raw_path}", encoded=True)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in HOP
        }
        async with self._http.request(request.method, url, data=body, headers=headers) as answer:
            if request.method == "POST" and "SID" in request.query and self._is_other_post():
                await answer.read()
                self.lost += 1
                return self._break(request)
            kept = {
                name: value for name, value in answer.headers.items() if name.lower() not in HOP
            }
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            breaks = request.query.get("RID") == "rpc" and self._is_other_back_channel()
            async for piece in answer.content.iter_any():
                if breaks:
                    await response.write(piece[: len(piece) // 2])
                    self.cut += 1
                    return self._break(request)
                await response.write(piece)
            await response.write_eof()
            return response

    def _is_other_post(self) -> bool:
        self._posts += 1
        return self._posts % 2 == 0

    def _is_other_back_channel(self) -> bool:
        self._back_channels += 1
        return self._back_channels % 2 == 0

    def _break(self, request: web.Request) -> web.StreamResponse:
        """Close the connection in the middle of an answer, or before it."""
        if request.transport is not None:
            request.transport.close()
        return web.Response()


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that are not about one connection alone."""
    return {name: value for name, value in headers.items() if name.lower() not in HOP}


@contextlib.asynccontextmanager
async def cutting(upstream: int) -> AsyncIterator[Cutting]:
    """Run the proxy in front of the port ``upstream``."""
    proxy = Cutting(upstream)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", proxy.answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout) as proxy._http:
        await site.start()
        proxy.port = runner.addresses[0][1]
        try:
            yield proxy
        finally:
            await stop_sites(runner)
            await runner.cleanup()
