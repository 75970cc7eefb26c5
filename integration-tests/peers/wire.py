"""wire.js in Python: the JSON lines that a peer exchanges with the test that started it."""

import asyncio
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from primus_testing import tagged

Command = Callable[..., Any]


def send(message: Mapping[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.write(tagged.dumps(message) + "\n")
    sys.stdout.flush()


def report(on: str, event: str, **fields: Any) -> None:
    """Tell the test that ``event`` happened to the instance called ``on``."""
    send({"on": on, "event": event, **fields})


async def serve(commands: Mapping[str, Command]) -> None:
    """Answer the test's commands until it hangs up."""
    reader = asyncio.StreamReader(limit=64 * 2**20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async for line in reader:
        await _answer(commands, tagged.loads(line))


async def _answer(commands: Mapping[str, Command], message: dict[str, Any]) -> None:
    number, do = message.pop("id"), message.pop("do")
    try:
        result = commands[do](**message)
        if inspect.isawaitable(result):
            result = await result
    except Exception:
        send({"id": number, "error": traceback.format_exc()})
    else:
        send({"id": number, "result": result})
