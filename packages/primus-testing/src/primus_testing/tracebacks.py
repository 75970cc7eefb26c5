"""Errors that were logged, and which of them a test has expected."""

from __future__ import annotations

import logging

__all__ = ["Tracebacks"]


class Tracebacks(logging.Handler):
    """Collects what is logged at ERROR and above, or with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._records: list[logging.LogRecord] = []
        self._expected: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that tells of a failure."""
        if record.levelno >= logging.ERROR or record.exc_info:
            self._records.append(record)

    def expect(self, *parts: str) -> None:
        """These texts will be logged, each at least once; anything with one of them is fine."""
        self._expected.extend(parts)

    def check(self) -> None:
        """Hold what was logged against what was expected.

        Raises:
            AssertionError: something else was logged, or something expected was not.
        """
        texts = [_text(record) for record in self._records]
        strange = [text for text in texts if not any(part in text for part in self._expected)]
        assert not strange, "logged, but not expected:\n" + "\n".join(strange)
        missing = [part for part in self._expected if not any(part in text for text in texts)]
        assert not missing, f"expected in the log, but not there: {missing}"


def _text(record: logging.LogRecord) -> str:
    return logging.Formatter("%(name)s: %(message)s").format(record)
