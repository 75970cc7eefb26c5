"""What a client says about a request of its own that has failed."""

from pathlib import Path

import pytest

from primus.errors import TransportError
from primus.polling import PollingClient
from primus.transformer import DialOptions


async def test_an_error_names_the_request_and_none_of_its_secrets(tmp_path: Path) -> None:
    url = "http://server.example/primus/000/key/xhr?token=key&sid=key"
    client = PollingClient(DialOptions(url, 1000, options={"unix": str(tmp_path / "absent")}))
    with pytest.raises(TransportError, match=r"POST server\.example/primus/\.\.\./xhr failed") as e:
        await client.ask("POST", url, limit=1000)
    await client.close()
    assert "key" not in str(e.value)
