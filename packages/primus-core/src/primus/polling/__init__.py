"""What every polling transformer is made of: frames that wait until a request fetches them.

* `QueuedTransport` keeps what is sent until a wire takes it, and says when that is too much.
* `Hanging` is a request whose answer is not ready yet; it notices when its client goes.
* `read_body` reads what a client posts, within a limit and a deadline.
* `Sessions` knows the sessions of a server by id, has one timer for all of them, and sees them
  off when the server ends.
* `is_foreign` tells a request that a foreign page has made, `Opener` one of another user.
* `Asking` makes the requests of a client.
* `compressed` is an answer in the encoding that its client accepts.

A poll is then

    hanging = Hanging(request, self.lost)
    if not self.queued:
        await hanging.wait()
    if hanging.gone: ...
    return Response(200, payload(self.take()))

and a post

    body = await read_body(request, limit=max_length, within=10.0, clock=clock)
    for frame in frames(body):
        await self.readable()
        self.connection.feed(frame)
"""

from __future__ import annotations

from primus.polling.asking import Asking
from primus.polling.body import BodyRefused, read_body
from primus.polling.compression import COMPRESS_FROM, compressed
from primus.polling.hanging import Hanging
from primus.polling.provenance import Opener, is_foreign
from primus.polling.queued import QueuedTransport
from primus.polling.sessions import Sessions

__all__ = [
    "COMPRESS_FROM",
    "Asking",
    "BodyRefused",
    "Hanging",
    "Opener",
    "QueuedTransport",
    "Sessions",
    "compressed",
    "is_foreign",
    "read_body",
]
