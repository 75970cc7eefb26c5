"""The tests that every engine has to pass, for authors of engines.

`BusContract` is what each engine does; `OutageContract` is for one whose broker is a process that
may be frozen, killed and started again. They need pytest and pytest-asyncio, in
``asyncio_mode = "auto"``: the extra ``contract``.
"""

from primus_backplane.testing.engine import BusContract, Ear, Opener, settled, until
from primus_backplane.testing.outages import (
    FAST,
    SHORT,
    Broker,
    Make,
    OutageContract,
    numbers,
    warnings_in,
    with_limits,
    write_numbers,
)

__all__ = [
    "FAST",
    "SHORT",
    "Broker",
    "BusContract",
    "Ear",
    "Make",
    "Opener",
    "OutageContract",
    "numbers",
    "settled",
    "until",
    "warnings_in",
    "with_limits",
    "write_numbers",
]
