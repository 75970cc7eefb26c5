"""A session belongs to the user that opened it, and foreign pages open none."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from primus_testing import Recorder, eventually

VICTIM = {"Cookie": "session=0123456789abcdef"}
ATTACKER = {"Cookie": "session=fedcba9876543210", "Origin": "https://app.example"}
NAVIGATION = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
JSONP = {"jsonp": True}


@pytest.mark.parametrize("path", ["htmlfile?c=x", "eventsource", "jsonp?c=x"])
@pytest.mark.parametrize(
    "headers",
    [
        NAVIGATION,
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
@pytest.mark.parametrize("origins", ["*", "https://app.example"])
async def test_a_navigation_opens_no_session(
    serve: Any, path: str, headers: dict[str, str], origins: str
) -> None:
    talk = await serve(JSONP, origins=origins)
    answer = await talk.get(path, headers={**VICTIM, **headers})
    assert answer.status == 403
    assert len(talk.primus) == 0


@pytest.mark.parametrize("path", ["xhr", "xhr_streaming"])
async def test_a_form_of_a_foreign_page_opens_none_either(serve: Any, path: str) -> None:
    talk = await serve()
    assert (await talk.post(path, headers={**VICTIM, **NAVIGATION})).status == 403
    assert len(talk.primus) == 0


async def test_scripts_of_foreign_pages_open_none_when_origins_are_listed(serve: Any) -> None:
    talk = await serve(JSONP, origins="https://app.example")
    script = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for headers in (script, {}, {"Referer": "https://evil.example/"}):
        assert (await talk.get("jsonp?c=x", headers={**VICTIM, **headers})).status == 403
    assert len(talk.primus) == 0
    page = {"Referer": "https://app.example/"}
    assert (await talk.get("jsonp?c=x", headers={**VICTIM, **page})).status == 200
    assert len(talk.primus) == 1


async def test_pages_without_a_session_are_not_asked_where_they_come_from(serve: Any) -> None:
    talk = await serve(JSONP, origins="https://app.example")
    for path in ("/primus", "/primus/info", "/primus/sockjs.js", "/primus/iframe.html"):
        async with talk.server.http.get(talk.server.url + path, headers=NAVIGATION) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("path", ["htmlfile?c=x", "eventsource"])
async def test_pages_of_our_own_still_stream(serve: Any, path: str) -> None:
    talk = await serve(origins="https://app.example")
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    url = f"{talk.server.url}/primus/000/abcdefgh/{path}"
    async with talk.server.http.get(url, headers={**VICTIM, **own}) as answer:
        assert answer.status == 200
        await eventually(lambda: len(talk.primus) == 1)


async def test_what_another_user_sends_to_a_session_is_not_brought(serve: Any) -> None:
    talk = await serve(origins="https://app.example")
    assert (await talk.post("xhr", headers=VICTIM)).text == "o\n"
    (spark,) = talk.primus
    seen = Recorder(spark, "data", "end")
    for headers in (ATTACKER, {}, {"Cookie": ""}):
        assert (await talk.post("xhr_send", '["1"]', headers=headers)).status == 404
    assert (await talk.post("xhr_send", '["2"]', headers=VICTIM)).status == 204
    assert await seen.one("data") == 2
    assert seen.story == ["data"]


@pytest.mark.parametrize("path", ["xhr", "xhr_streaming"])
async def test_another_user_receives_nothing_of_a_session_and_does_not_end_it(
    serve: Any, path: str
) -> None:
    talk = await serve()
    assert (await talk.post("xhr", headers=VICTIM)).text == "o\n"
    talk.primus.write("secret")
    stolen = await talk.post(path, headers=ATTACKER)
    assert (stolen.status, "secret" in stolen.text) == (404, False)
    assert (
        await talk.post("xhr", headers=VICTIM)
    ).text == f"a[{json.dumps(json.dumps('secret'))}]\n"
    assert len(talk.primus) == 1


async def test_another_user_does_not_interrupt_a_poll(serve: Any) -> None:
    talk = await serve()
    await talk.post("xhr", headers=VICTIM)
    polling = asyncio.ensure_future(talk.post("xhr", headers=VICTIM))
    session = talk.primus.transformer.sessions.get("abcdefgh")
    await eventually(lambda: session.is_received)
    assert (await talk.post("xhr", headers=ATTACKER)).status == 404
    talk.primus.write(1)
    assert (await polling).text == 'a["1"]\n'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/primus/000/{'s' * 128}/xhr", 200),
        (f"/primus/000/{'s' * 129}/xhr", 404),
        (f"/primus/{'s' * 129}/abcdefgh/xhr", 404),
        ("/primus/000/%C3%A9/xhr", 200),
    ],
)
async def test_names_of_sessions_are_bounded(serve: Any, path: str, status: int) -> None:
    talk = await serve()
    assert (await talk.server.get(path, "POST")).status == status


async def test_our_client_names_its_sessions_unguessably(serve: Any) -> None:
    talk = await serve()
    await talk.server.peer(options={"transports": ["xhr-polling"]})
    (session,) = talk.primus.transformer.sessions
    assert len(session.id) == 22
