"""What a client says about a request of its own that has failed."""

from pathlib import Path

import pytest

from primus.errors import HandshakeError, TransportError
from primus.polling import PollingClient
from primus.transformer import DialOptions
from primus_testing import answer, scripted_server


async def test_an_error_names_the_request_and_none_of_its_secrets(tmp_path: Path) -> None:
    url = "http://server.example/primus/000/key/xhr?token=key&sid=key"
    client = PollingClient(DialOptions(url, 1000, options={"unix": str(tmp_path / "absent")}))
    with pytest.raises(TransportError, match=r"POST server\.example/primus/\.\.\./xhr failed") as e:
        await client.ask("POST", url, limit=1000)
    await client.close()
    assert "key" not in str(e.value)


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
async def test_a_request_follows_no_redirect(status: str) -> None:
    moved = answer("", status, "Location: /elsewhere")
    async with scripted_server(lambda asked: [moved]) as server:
        client = PollingClient(DialOptions(server.url, 1000))
        with pytest.raises(HandshakeError) as raised:
            await client.ask("POST", f"{server.url}/primus", b"message", limit=1000)
        await client.close()
        assert raised.value.status == int(status[:3])
        assert [asked.target for asked in server.requests] == ["/primus"]
