"""What primus-core lets compiled code do, where this is installed: pure functions on bytes.

``read_texts(data, at, stop, longest, most)`` gives the texts that begin at ``at`` in what a
WebSocket client has sent, and where the first other thing begins: at most ``most`` texts, each of
at most ``longest`` bytes, and none that goes beyond ``stop``. It raises `ValueError` unless ``0 <=
at <= stop <= len(data)``.

``upgrade_fields(data, most, names, values)`` gives target and headers of a head that asks for a
WebSocket as nearly all clients write it, or `None`: at most ``most`` headers, whose names and
values are those of the two dicts where they are in there.

Users call nothing of this. Without the compiled part, which a build without a C compiler lacks, the
import fails, and Primus does all of it by itself.
"""

from __future__ import annotations

from primus_speedups._texts import read_texts
from primus_speedups._upgrades import upgrade_fields

__all__ = ["read_texts", "upgrade_fields"]
