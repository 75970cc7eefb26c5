"""Headless Chromium, driven through the DevTools protocol, as a peer whose clients are tabs."""

import asyncio
import base64
import contextlib
import itertools
import json
import re
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from primus_testing import tagged

from .inbox import DEADLINE, Inbox
from .tools import cache, program

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows", "--disable-dev-shm-usage", "--window-size=1100,800",
)  # fmt: skip

LISTENING = re.compile(rb"DevTools listening on (ws://\S+)")


class Tab:
    """One page. ``errors`` are the uncaught exceptions of its scripts."""

    def __init__(self, browser: "Chromium", target: str, session: str) -> None:
        self.browser = browser
        self.target = target
        self.session = session
        self.errors: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Run a DevTools command on this page."""
        return await self.browser.call(method, parameters, self.session)

    async def go(self, url: str) -> None:
        """Navigate, and wait until the page has loaded."""
        loaded = self.browser.next_event(self.session, "Page.loadEventFired")
        answer = await self.call("Page.navigate", url=url)
        assert "errorText" not in answer, f"{url}: {answer['errorText']}"
        async with asyncio.timeout(DEADLINE):
            await loaded

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            said = details.get("exception", {}).get("description", details["text"])
            raise AssertionError(f"in the page: {said}")
        return answer["result"].get("value")

    async def until(self, condition: str, within: float = DEADLINE) -> Any:
        """Wait until the JavaScript ``condition`` is truthy on an animation frame; its value."""
        script = (
            "new Promise((resolve) => { (function look() {"
            f"const value = ({condition}); if (value) resolve(value);"
            "else setTimeout(look, 20); })(); })"
        )
        try:
            async with asyncio.timeout(within):
                return await self.run(script)
        except TimeoutError:
            seen = await self.run("document.body.innerText.slice(0, 2000)")
            raise AssertionError(f"{condition!r} never came true; the page says: {seen}") from None

    async def screenshot(self, name: str) -> Path:
        """Save what a person would see under the artifacts folder."""
        shot = await self.call("Page.captureScreenshot", format="png")
        path = cache("screenshots") / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    async def offline(self, *, offline: bool) -> None:
        """Take this page's network away, or give it back."""
        await self.call(
            "Network.emulateNetworkConditions",
            offline=offline,
            latency=0,
            downloadThroughput=-1,
            uploadThroughput=-1,
        )

    async def close(self) -> None:
        """Close the page."""
        await self.browser.call("Target.closeTarget", {"targetId": self.target})


class Chromium:
    """A browser process. As a peer it takes the commands of client.js, one tab per client.

    The tab of a client that was destroyed is kept for another one, which gets a page of its own in
    it: a new tab costs several times what a page does.
    """

    title = "chromium"

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        http: aiohttp.ClientSession,
        wire: aiohttp.ClientWebSocketResponse,
        profile: tempfile.TemporaryDirectory[str],
    ) -> None:
        self.inbox = Inbox()
        self.clients: dict[str, Tab] = {}
        self._spare: list[Tab] = []
        self._process = process
        self._http = http
        self._wire = wire
        self._profile = profile
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._awaited: dict[tuple[str, str], list[asyncio.Future[dict[str, Any]]]] = defaultdict(
            list
        )
        self._tabs: dict[str, Tab] = {}
        assert process.stderr is not None
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(process.stderr.read()),
        ]

    @classmethod
    async def start(cls) -> "Chromium":
        """Start a browser with an empty profile."""
        executable = program(
            "chromium", "chromium-browser", "google-chrome", install="apt-get install chromium"
        )
        profile = tempfile.TemporaryDirectory(prefix="chromium-")
        process = await asyncio.create_subprocess_exec(
            executable,
            *FLAGS,
            "--remote-debugging-port=0",
            f"--user-data-dir={profile.name}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said = b""
        async with asyncio.timeout(60):
            while not (found := LISTENING.search(said)):
                line = await process.stderr.readline()
                assert line, f"Chromium did not start: {said.decode(errors='replace')}"
                said += line
        http = aiohttp.ClientSession()
        wire = await http.ws_connect(found[1].decode(), max_msg_size=0)
        return cls(process, http, wire, profile)

    async def tab(self, url: str | None = None, *, isolated: bool = False) -> Tab:
        """A new page, at ``url`` when one is given; ``isolated`` in a profile of its own."""
        where = {}
        if isolated:
            context = await self.call("Target.createBrowserContext", {})
            where = {"browserContextId": context["browserContextId"]}
        made = await self.call("Target.createTarget", {"url": "about:blank", **where})
        attached = await self.call(
            "Target.attachToTarget", {"targetId": made["targetId"], "flatten": True}
        )
        tab = self._tabs[attached["sessionId"]] = Tab(self, made["targetId"], attached["sessionId"])
        for domain in ("Page", "Runtime", "Network"):
            await tab.call(f"{domain}.enable")
        await tab.call("Runtime.addBinding", name="tell")
        if url is not None:
            await tab.go(url)
        return tab

    async def ask(
        self, do: str, on: str = "", *, within: float = DEADLINE, **arguments: Any
    ) -> Any:
        """Run a command of sockets.js; ``connect`` first opens a page of the server's own."""
        if do == "connect":
            parts = urlsplit(arguments["url"])
            self.clients[on] = await self._page(f"{parts.scheme}://{parts.netloc}/")
        tab = self.clients[on]
        message = f"tagged.parse({json.dumps(tagged.dumps({'on': on, **arguments}))})"
        call = (
            f"commands.{do}(Primus, {message})" if do == "connect" else f"commands.{do}({message})"
        )
        try:
            async with asyncio.timeout(within):
                result = await tab.run(call)
        except TimeoutError:
            raise AssertionError(f"chromium: no answer to {do!r} within {within} s") from None
        assert not tab.errors, tab.errors
        if do == "destroy":
            self._spare.append(self.clients.pop(on))
        return result

    async def _page(self, url: str) -> Tab:
        """A page at ``url``, in a tab that no client needs any more if there is one."""
        if not self._spare:
            return await self.tab(url)
        tab = self._spare.pop()
        await tab.go(url)
        tab.errors.clear()  # those of the page before
        return tab

    async def call(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        """Run a DevTools command."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        await self._wire.send_str(json.dumps(message))
        result: dict[str, Any] = await answer
        return result

    def next_event(self, session: str, method: str) -> asyncio.Future[dict[str, Any]]:
        """The next DevTools event of that name; call it before what causes the event."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._awaited[session, method].append(future)
        return future

    async def close(self) -> None:
        """Close the browser and forget its profile."""
        with contextlib.suppress(AssertionError, ConnectionError, TimeoutError):
            async with asyncio.timeout(5):
                await self.call("Browser.close", {})
        await self._wire.close()
        await self._http.close()
        try:
            async with asyncio.timeout(5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await asyncio.gather(*self._tasks)
        with contextlib.suppress(OSError):
            self._profile.cleanup()

    async def _read(self) -> None:
        async for received in self._wire:
            message = json.loads(received.data)
            if "id" in message:
                self._settle(self._answers.pop(message["id"]), message)
            else:
                self._happened(message.get("sessionId", ""), message["method"], message["params"])
        self.inbox.hang_up("Chromium has gone")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError("Chromium has gone"))

    @staticmethod
    def _settle(answer: asyncio.Future[dict[str, Any]], message: dict[str, Any]) -> None:
        if answer.done():
            return
        if "error" in message:
            answer.set_exception(AssertionError(f"DevTools: {message['error']}"))
        else:
            answer.set_result(message["result"])

    def _happened(self, session: str, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.bindingCalled":
            self.inbox.put(tagged.loads(parameters["payload"]))
        elif method == "Runtime.exceptionThrown" and session in self._tabs:
            details = parameters["exceptionDetails"]
            said = details.get("exception", {}).get("description", details["text"])
            self._tabs[session].errors.append(said)
        for future in self._awaited.pop((session, method), []):
            if not future.done():
                future.set_result(parameters)
