from typing import Any

import pytest

from primus import OptionError, Primus
from primus_testing import TransformerContract


class TestContract(TransformerContract):
    """What every transformer has to do, on the server and as a client."""

    transformer = "template"


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(("transport", "name"), [({}, "primus"), ({"served_by": "me"}, "me")])
async def test_a_handshake_says_which_server_answers(
    primus_server: Any, transport: dict[str, str], name: str
) -> None:
    server = await primus_server(transformer="template", transport=transport)

    async with server.http.get(server.url + "/primus", headers=UPGRADE) as answer:
        assert answer.status == 101
        assert answer.headers["X-Served-By"] == name


@pytest.mark.parametrize("name", ["", 7, None, "a\r\nSet-Cookie: b"])
def test_a_name_that_cannot_work_is_refused(name: Any) -> None:
    with pytest.raises(OptionError, match="served_by="):
        Primus(transformer="template", transport={"served_by": name})
