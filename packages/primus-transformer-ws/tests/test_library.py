"""What of websockets is used, and when it is imported."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import pytest
from websockets.frames import CloseCode, Opcode
from websockets.protocol import State
from websockets.utils import apply_mask as plain_mask

from primus_transformer_ws import masking, transport

UNMASKED = """
import sys
from primus_transformer_ws.server import WebSockets
from primus_transformer_ws.masking import apply_mask
assert not [name for name in sys.modules if name.split(".")[0] == "websockets"]
assert apply_mask(b"hello", b"abcd") == b"\\x09\\x07\\x0f\\x08\\x0e"
import websockets.speedups, websockets.utils
assert websockets.speedups.apply_mask(b"hello", b"abcd") == apply_mask(b"hello", b"abcd")
"""


def test_a_server_needs_the_unmasking_of_the_library_and_no_more() -> None:
    subprocess.run([sys.executable, "-c", UNMASKED], check=True, timeout=60)


@pytest.mark.parametrize("size", [0, 1, 4, 7, 64, 4099])
def test_the_unmasking_is_that_of_the_library(size: int) -> None:
    data = bytes(range(256)) * 17

    assert masking.apply_mask(data[:size], b"\x01\x80\xff\x00") == plain_mask(
        data[:size], b"\x01\x80\xff\x00"
    )


def test_the_plain_function_is_used_where_none_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, masking.COMPILED, raising=False)
    monkeypatch.setattr(masking, "ExtensionFileLoader", type(None))

    assert masking.unmasking() is plain_mask


class Found:
    """What looks for modules: a library that is there in part, and a `speedups` of another one."""

    def __init__(self, library: ModuleSpec | None) -> None:
        self.library = library

    def find_spec(self, name: str, path: list[str] | None = None) -> ModuleSpec | None:
        return self.library if path is None and name == "websockets" else find_spec("zlib")


@pytest.mark.parametrize("library", [None, ModuleSpec("websockets", None)])
def test_a_module_that_is_no_part_of_the_library_is_not_used(
    monkeypatch: pytest.MonkeyPatch, library: ModuleSpec | None
) -> None:
    monkeypatch.delitem(sys.modules, masking.COMPILED, raising=False)
    monkeypatch.setattr(masking, "PathFinder", Found(library))

    assert masking.unmasking() is plain_mask


def test_numbers_of_the_protocol_are_those_of_the_library() -> None:
    assert frozenset(Opcode) == transport.OPCODES
    assert (transport.CONT, transport.TEXT, transport.BINARY) == (
        Opcode.CONT,
        Opcode.TEXT,
        Opcode.BINARY,
    )
    assert (transport.PING, transport.PONG) == (Opcode.PING, Opcode.PONG)
    assert transport.OPEN == State.OPEN
    assert transport.INVALID_DATA == CloseCode.INVALID_DATA
    assert transport.MESSAGE_TOO_BIG == CloseCode.MESSAGE_TOO_BIG
