"""``python -m benchmarks.load JOB``: one measurement; its figures are printed as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from .broadcast import broadcast
from .connects import connects
from .echo import echo
from .flood import flood
from .idle import idle
from .job import Job, Outcome
from .polling import polling
from .readers import readers
from .rooms import rooms
from .steady import steady

KINDS: dict[str, Callable[[Job], Outcome]] = {
    "echo": echo,
    "broadcast": broadcast,
    "connects": connects,
    "flood": flood,
    "idle": idle,
    "polling": polling,
    "readers": readers,
    "rooms": rooms,
    "steady": steady,
}


def main() -> None:
    """Do what the command line says."""
    job = Job.parse(sys.argv[1])
    print(json.dumps(KINDS[job.kind](job).figures()), flush=True)
    os._exit(0)  # ten thousand sockets are closed faster by the system


if __name__ == "__main__":
    main()
