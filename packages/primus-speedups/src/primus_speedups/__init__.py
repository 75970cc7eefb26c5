"""What primus-core lets compiled code do, where this is installed: pure functions on bytes.

``read_texts(data, at, stop, longest, most)`` gives the texts that begin at ``at`` in what a
WebSocket client has sent, and where the first other thing begins: at most ``most`` texts, each of
at most ``longest`` bytes, and none that goes beyond ``stop``. It raises `ValueError` unless ``0 <=
at <= stop <= len(data)``.

Users call nothing of this. Without the compiled part, which a build without a C compiler lacks, the
import fails, and Primus does all of it by itself.
"""

from __future__ import annotations

from primus_speedups._texts import read_texts

__all__ = ["read_texts"]
