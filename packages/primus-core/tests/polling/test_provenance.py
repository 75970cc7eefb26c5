"""Where requests of sessions come from, by what browsers say."""

from typing import Any

import pytest

from primus.origins import Origins
from primus.polling import Opener, is_foreign
from primus_testing import make_request

ANY, LISTED = Origins(["*"]), Origins(["https://app.example"])
SITE, MODE = "Sec-Fetch-Site", "Sec-Fetch-Mode"


@pytest.mark.parametrize(
    ("headers", "by_any", "by_listed"),
    [
        ({}, False, False),  # no browser, or an old one
        ({SITE: "same-origin"}, False, False),
        ({SITE: "same-origin", MODE: "navigate"}, False, False),  # an iframe of sockjs-client
        ({SITE: "same-site", MODE: "no-cors"}, False, True),
        ({SITE: "cross-site", MODE: "no-cors"}, False, True),
        ({SITE: "cross-site", MODE: "navigate"}, True, True),
        ({SITE: "same-site", MODE: "navigate"}, True, True),
        ({SITE: "none", MODE: "navigate"}, True, True),
        ({SITE: "cross-site"}, True, True),
        ({SITE: "nonsense"}, True, True),
        ({SITE: "cross-site", MODE: "cors", "Origin": "https://app.example"}, False, False),
    ],
)
def test_a_request_that_a_foreign_page_has_made_is_told_by_its_headers(
    headers: dict[str, str], by_any: bool, by_listed: bool
) -> None:
    request = make_request(headers=headers)
    assert is_foreign(request, ANY) is by_any
    assert is_foreign(request, LISTED) is by_listed


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, True),
        ({"Referer": "https://evil.example/"}, True),
        ({"Referer": "https://["}, True),
        ({"Referer": "nonsense", "Host": ""}, True),
        ({"Referer": "https://app.example/page?x=1"}, False),
        ({"Referer": "http://us.example:8080/page", "Host": "us.example:8080"}, False),
        ({SITE: "same-origin"}, False),
        ({SITE: "cross-site", MODE: "no-cors", "Referer": "https://app.example/"}, True),
    ],
)
def test_a_script_that_any_page_could_read_needs_a_proof(
    headers: dict[str, str], foreign: bool
) -> None:
    assert is_foreign(make_request(headers=headers), LISTED, script=True) is foreign
    if SITE not in headers:
        assert not is_foreign(make_request(headers=headers), ANY, script=True)


SECRET = "session=0123456789abcdef"
PROVED = {"Origin": "https://app.example"}


@pytest.mark.parametrize(
    ("opened", "later", "same"),
    [
        ({}, {}, True),
        ({}, {"Cookie": SECRET}, True),  # nothing was shown that could be stolen
        ({"Cookie": SECRET}, {"Cookie": SECRET}, True),
        ({"Cookie": SECRET}, {"Cookie": f"more=1; {SECRET}"}, True),
        ({"Cookie": SECRET}, {}, False),
        ({"Cookie": SECRET}, {"Cookie": "session=fedcba9876543210"}, False),
        ({"Cookie": f"lang=en; {SECRET}"}, {"Cookie": "lang=en"}, False),
        ({"Cookie": f"lb=1; {SECRET}"}, {"Cookie": f"lb=2; {SECRET}"}, False),
        ({"Authorization": "Basic YTpi"}, {"Authorization": "Basic YTpi"}, True),
        ({"Authorization": "Basic YTpi"}, {"Authorization": "Basic Yzpk"}, False),
        ({"Authorization": "Basic YTpi"}, {}, False),
        ({"Authorization": "Basic YTpi", **PROVED}, {**PROVED}, False),
        ({"Cookie": f"lb=1; {SECRET}", **PROVED}, {"Cookie": f"lb=2; {SECRET}"}, True),
        ({"Cookie": f"lang=en; {SECRET}", **PROVED}, {"Cookie": "lang=en"}, False),
        ({"Cookie": SECRET, **PROVED}, {"Cookie": "session=x"}, False),
        ({"Cookie": f"lb=1; {SECRET}", SITE: "same-origin"}, {"Cookie": SECRET}, True),
        ({"Cookie": f"lb=1; {SECRET}", SITE: "cross-site"}, {"Cookie": SECRET}, False),
        ({"Cookie": "a=\udce4; b=1"}, {"Cookie": "b=1; a=\udce4"}, True),
    ],
)
def test_a_session_belongs_to_the_user_that_opened_it(
    opened: dict[str, str], later: dict[str, str], same: bool
) -> None:
    opener = Opener(make_request(headers=opened, ip="192.0.2.1"))
    assert opener.made(make_request(headers=later, ip="192.0.2.2")) is same


@pytest.mark.parametrize(("proof", "same"), [(PROVED, True), ({}, False)])
def test_cookies_may_all_change_for_a_proved_opener_at_the_same_address(
    proof: dict[str, str], same: bool
) -> None:
    opener = Opener(make_request(headers={"Cookie": "lb=first", **proof}, ip="192.0.2.1"))
    assert opener.made(make_request(headers={"Cookie": "lb=next"}, ip="192.0.2.1")) is same


def test_every_line_of_a_header_counts() -> None:
    both: Any = [("Authorization", "Basic YTpi"), ("Authorization", "Basic Yzpk")]
    assert not Opener(make_request(headers=both[:1])).made(make_request(headers=both))


def test_an_opener_that_showed_an_authorization_is_known_by_it_alone() -> None:
    opener = Opener(make_request(headers={"Authorization": "Bearer one"}))

    assert opener.made(make_request(headers={"Authorization": "Bearer one"}))
    assert not opener.made(make_request(headers={"Authorization": "Bearer two"}))
    assert not opener.made(make_request())
    nothing = Opener(make_request())
    assert nothing.made(make_request(headers={"Authorization": "Bearer one"}))
