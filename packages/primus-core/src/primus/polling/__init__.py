"""What every polling transformer is made of: frames that wait until a request fetches them.

* `QueuedTransport` keeps what is sent until a wire takes it, and says when that is too much.
* `UpgradableTransport` is one that a WebSocket may take over, `WebSocketReceiver` what it brings.
* `LongPoll` is a request whose answer is not ready yet; it notices when its client goes.
* `read_body` reads what a client posts, within a limit and a deadline.
* `FrameDelivery` brings what has arrived to a connection, in turns, while it takes it.
* `PostIntake` brings the frames of a post, and keeps what is left of it.
* `PreparedText` is a text for many sessions, some of which are WebSockets.
* `Sessions` knows the sessions of a server by id, has one timer for all of them, and sees them
  off when the server ends.
* `is_foreign` tells a request that a foreign page has made, `Opener` one of another user.
* `PollingClient` makes the requests of a client, and `opened_session` ends a session that is opened
  when its client has gone already.
* `Pings` pings a client in the framework's own way, and gives up one that does not answer.
* `parse_strings` reads a JSON array of messages, up to so many.
* `units` and `Utf16` measure and cut texts as JavaScript does.
* `compressed` is an answer in the encoding that its client accepts.

A poll is then

    poll = LongPoll(request, self.lost)
    if not self.queued:
        await poll.wait()
    if poll.gone: ...
    return Response(200, payload(self.take()))

and a post

    body = await read_body(request, limit=max_length, within=10.0, clock=clock)
    for frame in frames(body):
        await self.readable()
        self.connection.feed(frame)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus.polling.body import BodyRefused, read_body, taken_body
from primus.polling.compression import COMPRESS_FROM, compressed
from primus.polling.delivery import FrameDelivery
from primus.polling.long_poll import LongPoll
from primus.polling.moving_deadline import MovingDeadline
from primus.polling.pings import Pinged, Pings
from primus.polling.posting import Posting, PostIntake
from primus.polling.prepared import PreparedText
from primus.polling.provenance import Opener, is_foreign
from primus.polling.sessions import Sessions
from primus.polling.strings import parse_strings, skip_blank
from primus.polling.transport import QueuedTransport
from primus.polling.upgradable import (
    MAX_LENGTH,
    UpgradableTransport,
    WebSocketReceiver,
    is_too_large,
)
from primus.polling.utf16 import Utf16, units

if TYPE_CHECKING:
    from primus.polling.http_client import NothingListens, PollingClient, opened_session

__all__ = [
    "COMPRESS_FROM",
    "MAX_LENGTH",
    "BodyRefused",
    "FrameDelivery",
    "LongPoll",
    "MovingDeadline",
    "NothingListens",
    "Opener",
    "Pinged",
    "Pings",
    "PollingClient",
    "PostIntake",
    "Posting",
    "PreparedText",
    "QueuedTransport",
    "Sessions",
    "UpgradableTransport",
    "Utf16",
    "WebSocketReceiver",
    "compressed",
    "is_foreign",
    "is_too_large",
    "opened_session",
    "parse_strings",
    "read_body",
    "skip_blank",
    "taken_body",
    "units",
]


def __getattr__(name: str) -> Any:
    """The client, imported when it is first asked for: a server does without aiohttp."""
    if name in ("NothingListens", "PollingClient", "opened_session"):
        from primus.polling import http_client

        return getattr(http_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
