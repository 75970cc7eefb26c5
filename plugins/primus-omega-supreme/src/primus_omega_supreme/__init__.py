"""Messages for the sparks of a server, by HTTP: as omega-supreme for Node.js.

    primus = Primus(app, plugin="omega-supreme", password=os.environ["OMEGA_SECRET"])

    curl -X PUT -u omega:$OMEGA_SECRET -d '{"msg": "hello"}' http://localhost:8080/primus/omega/supreme

    await primus.forward(["http://10.0.0.3:8080"], "hello", [id, other_id])

**The endpoint** takes ``{"msg": …}`` for every spark; with ``"sparks"``, an id or a list of ids,
for those; with ``"rooms"``, a name or a list of names, for their members (plugin ``rooms``); and
without those in ``"except"``. It answers ``{ "ok": true, "send":N }``, or with ``"ok": false`` and
a reason.

**primus.forward** is a `Forward`: ``forward(servers, msg, sparks=None)``, and with the plugin
``metroplex`` also ``broadcast(msg)``, ``sparks(ids, msg)``, ``spark(id, msg)`` and ``rooms(rooms,
msg, except_=())``. Each can be awaited for a `Reply`, and goes on without. The sparks of
this server are written to at once; what cannot be brought to others is a `ForwardError`. Each
server gets one request at a time, and so the messages in their order; what waits for one delays no
other.

Options; durations are in seconds, sizes in bytes:

* ``password``: the secret; there is no default. ``username`` ("omega").
* ``method`` ("PUT") and ``url`` (``<pathname>/omega/supreme``): where the endpoint is, here and on
  the other servers.
* ``concurrently`` (20): how many requests are read at a time.
* ``body_limit`` (4 MiB) of a request that arrives.
* ``forward_timeout`` (10.0): until when another server must have taken a message; ``forward_queue``
  (8 MiB): how much may wait for each.
* ``middleware``: ``fn(request)``, plain or async, that gives the body instead of reading it; `None`
  lets the request pass, and a `Response` answers it.
"""

from primus_omega_supreme.errors import ForwardError
from primus_omega_supreme.forward import Forward, Forwarding, Reply
from primus_omega_supreme.options import OmegaSupremeOptions, primus_options
from primus_omega_supreme.plugin import (
    OmegaSupremePrimus,
    primus_extend_primus,
    primus_middleware,
    primus_setup,
    primus_teardown,
)

__all__ = [
    "Forward",
    "ForwardError",
    "Forwarding",
    "OmegaSupremeOptions",
    "OmegaSupremePrimus",
    "Reply",
    "primus_extend_primus",
    "primus_middleware",
    "primus_options",
    "primus_setup",
    "primus_teardown",
]
