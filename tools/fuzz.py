"""``python tools/fuzz.py PARSER …``: feed the parser what atheris finds, which libFuzzer steers.

A frame has to give a value or a `ParserError`; anything else stops the run, and leaves the frame
in a file. Options are those of libFuzzer, as ``-max_total_time=60`` and the folder of a corpus.
"""

import sys

import atheris  # type: ignore[import-untyped]

PACKAGES = ["primus", "primus_parser_binary", "primus_parser_ejson", "primus_parser_msgpack"]

with atheris.instrument_imports(include=PACKAGES):
    from primus import ParserError
    from primus.registry import parser_named

    # It is imported now, by its name.
    _, PARSER = parser_named(sys.argv.pop(1))


def one(content: bytes) -> None:
    """Decode bytes, and the same as text; a value has to be encoded again, or refused."""
    for frame in (content, content.decode("utf-8", "replace")):
        try:
            PARSER.encode(PARSER.decode(frame))
        except ParserError:
            continue


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
