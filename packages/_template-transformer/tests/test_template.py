from typing import Any

import pytest

from primus import HandshakeError, OptionError, Primus
from primus_testing import TransformerContract


class TestContract(TransformerContract):
    """What every transformer has to do, on the server and as a client."""

    transformer = "template"


async def test_a_connection_too_many_is_refused(primus_server: Any) -> None:
    server = await primus_server(transformer="template", transport={"most": 1})
    await server.peer()

    with pytest.raises(HandshakeError) as refused:
        await server.peer()

    assert refused.value.status == 503


@pytest.mark.parametrize("most", [0, -1, "many", None])
def test_a_limit_that_cannot_work_is_refused(most: Any) -> None:
    with pytest.raises(OptionError, match="most="):
        Primus(transformer="template", transport={"most": most})
