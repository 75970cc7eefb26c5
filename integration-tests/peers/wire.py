"""wire.js in Python: the JSON lines that a peer exchanges with the test that started it."""

import asyncio
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

Command = Callable[..., Any]


def _of_the_test_kit(name: str) -> ModuleType:
    """One module of primus-testing, without pytest and all else that the kit imports."""
    kit = find_spec("primus_testing")
    assert kit is not None
    assert kit.submodule_search_locations is not None
    (folder,) = kit.submodule_search_locations
    spec = spec_from_file_location(f"peer_{name}", Path(folder, f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tagged = _of_the_test_kit("tagged")


def send(message: Mapping[str, Any]) -> None:
    """Write one JSON line."""
    sys.stdout.write(tagged.dumps(message) + "\n")
    sys.stdout.flush()


def report(on: str, event: str, **fields: Any) -> None:
    """Tell the test that ``event`` happened to the instance called ``on``."""
    send({"on": on, "event": event, **fields})


async def serve(commands: Mapping[str, Command]) -> None:
    """Answer the test's commands until it hangs up.

    They start in their order, and none waits for what an earlier one awaits, as in wire.js.
    """
    reader = asyncio.StreamReader(limit=64 * 2**20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    running = set[asyncio.Task[None]]()
    async for line in reader:
        task = asyncio.create_task(_answer(commands, tagged.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


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
