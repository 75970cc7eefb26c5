"""The options of the server."""

from typing import Any

import pytest

from primus import OptionError, Primus
from primus_testing import MemoryTransformer
from primus_testing.plugin import ServerFactory

SHORT = {"close_timeout": 0.1}


@pytest.mark.parametrize(
    ("transport", "message"),
    [
        ({"heartbeatInterval": 25}, "heartbeatInterval"),
        ({"heartbeat_interval": 0}, "heartbeat_interval=0: must be seconds > 0"),
        ({"heartbeat_interval": 25_000}, "25000 milliseconds are transport heartbeat_interval=25$"),
        ({"max_packets": True}, "max_packets"),
        ({"max_sessions": 0}, "max_sessions=0: must be a whole number > 0"),
        ({"max_sessions": None}, "max_sessions=None: must be a whole number"),
        ({"max_sessions": True}, "max_sessions=True: must be a whole number"),
        ({"max_sessions": "10"}, "max_sessions='10': must be a whole number"),
        ({"transports": ["flashsocket"]}, "must be some of websocket, htmlfile, xhr-polling"),
        ({"transports": []}, "must be some of"),
        ({"transports": [["websocket"]]}, "must be some of"),
        ({"poll_duration": 60}, "poll_duration=60 must be less than poll_timeout=60"),
    ],
)
def test_options_that_cannot_work_are_refused(transport: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Primus(transformer="socket.io", transport=transport)


def test_both_names_are_the_same_transformer() -> None:
    one, other = Primus(transformer="socket.io"), Primus(transformer="SocketIO")
    assert type(one.transformer) is type(other.transformer)
    assert not isinstance(one.transformer, MemoryTransformer)


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        ({}, "60:60:websocket,xhr-polling"),
        ({"transports": "xhr-polling", "heartbeat_timeout": 1.5}, "1.5:60:xhr-polling"),
        (
            {"transports": {"jsonp-polling", "htmlfile", "websocket"}, "poll_timeout": 25},
            "60:25:websocket,htmlfile,jsonp-polling",
        ),
    ],
)
async def test_a_handshake_tells_what_a_client_has_to_know(
    primus_server: ServerFactory, transport: dict[str, Any], told: str
) -> None:
    server = await primus_server(transformer="socket.io", transport={**SHORT, **transport})
    answer = await server.get("/primus/1/?t=1")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    key, _, rest = answer.text.partition(":")
    node, _, secret = key.partition("-")
    assert (node, len(secret)) == (server.primus.node, 22)
    assert rest == told
    assert len(server.primus) == 0
