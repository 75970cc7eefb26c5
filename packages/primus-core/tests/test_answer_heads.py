"""The heads of answers, which are kept by what they are."""

from typing import Any

import pytest
from multidict import CIMultiDict

from primus import Response
from primus.server.answer_heads import AnswerHeads
from primus_testing import make_request


def asked(**added: str) -> Any:
    """A request to whose answer the layers add headers."""
    request = make_request()
    request.response_headers = CIMultiDict(
        {name.replace("_", "-"): value for name, value in added.items()}
    )
    return request


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"Access_Control_Allow_Origin": "https://a.example"}, {}),
        (
            {"Access_Control_Allow_Origin": "https://a.example"},
            {"Access_Control_Allow_Origin": "https://b.example"},
        ),
        ({"Set_Cookie": "a=1"}, {"Set_Cookie": "a=2"}),
    ],
    ids=["an origin and none", "two origins", "two cookies"],
)
def test_an_answer_that_is_known_has_the_headers_of_its_own_request(
    first: dict[str, str], second: dict[str, str]
) -> None:
    heads = AnswerHeads()
    for added in (first, second, first):
        head, _ = heads.written(Response(204), asked(**added), is_old=False, closes=False)
        lines = head.split(b"\r\n")[:-2]
        assert lines == [
            b"HTTP/1.1 204 No Content",
            *(f"{name.replace('_', '-')}: {value}".encode() for name, value in added.items()),
            lines[-1],
        ]
        assert lines[-1].startswith(b"Date: ")
