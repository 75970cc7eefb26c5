"""JSON in binary frames: the parser ``template``.

    primus = Primus(app, parser="template")

A frame is the UTF-8 of what the parser ``json`` writes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from primus import ParserError, hookimpl
from primus.browser import Browser
from primus.parsers.json import JSONParser

__all__ = ["TemplateParser", "primus_parser"]


class TemplateParser:
    """Values to frames, and back. Control text such as ``primus::ping::1`` comes along here too."""

    name = "template"
    binary = True
    """Whether frames are `bytes`."""

    def __init__(self) -> None:
        self._json = JSONParser()

    def encode(self, value: Any) -> bytes:
        """The frame for a value.

        Raises:
            ParserError: the value has none.
        """
        return self._json.encode(value).encode()

    def decode(self, frame: str | bytes) -> Any:
        """The value in a frame. A peer can send anything: nothing but `ParserError` is raised.

        Raises:
            ParserError: the frame is none of this parser.
        """
        if isinstance(frame, str):
            raise ParserError("template: the frame is text, not bytes", frame)
        return self._json.decode(frame)

    @staticmethod
    @cache
    def browser() -> Browser:
        """The browser half: client.js beside this module."""
        return Browser(
            client=files("primus_parser_template").joinpath("client.js").read_text("utf-8")
        )


@hookimpl
def primus_parser() -> TemplateParser:
    """The parser named ``template``."""
    return TemplateParser()
