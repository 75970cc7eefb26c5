"""One user against another: taking over sessions, and speaking in the name of the server."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from attacks.targets import Targets
from attacks.wires import (
    HOSTS,
    TEXT,
    WIRES,
    Refused,
    Wire,
    engineio_path,
    engineio_session,
    frame,
    http,
    sockjs_session,
)
from harness.chromium import Chromium

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS = [pytest.param(wire, host, id=f"{wire.name}-{host}") for wire in WIRES for host in HOSTS]


# -- engine.io: an id is no key


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("revision", [3, 4])
async def test_the_id_of_a_spark_is_no_key_to_post_or_to_poll_as_it(
    targets: Targets, revision: int, host: str
) -> None:
    target = await targets.server("engine.io", host)
    key = await engineio_session(target.port, revision)
    (known,) = await target.ask("ids")
    path = engineio_path(known, revision)
    body = b"4:4[1]" if revision == 3 else b"4[1]"

    answers = [
        await http(target.port, "POST", path, body),
        await http(target.port, "GET", path),
        await http(target.port, "GET", path + "&j=0"),
        await http(target.port, "GET", f"/primus/?EIO={revision}&transport=websocket&sid={known}"),
    ]

    assert [answer.status for answer in answers] == [400] * 4
    assert not (await target.ask("news"))["handled"]
    assert (await http(target.port, "POST", engineio_path(key, revision), body)).status == 200
    await target.until("news", lambda news: news["handled"] == {known: 1})


@pytest.mark.parametrize("wire", [each for each in WIRES if each.transformer == "engine.io"],
                         ids=lambda wire: wire.name)  # fmt: skip
async def test_the_id_of_a_spark_is_no_key_to_take_its_websocket_over(
    targets: Targets, wire: Wire
) -> None:
    target = await targets.server("engine.io")
    await engineio_session(target.port, int(wire.name[-1]))
    (known,) = await target.ask("ids")

    with pytest.raises(Refused, match=r"HTTP/1.1 400"):
        await wire.open(target.port, query=f"sid={known}")


# -- sockjs: a session belongs to its opener


LOGGED_IN = "Cookie: token=secret\r\n"
RECEIVING = ["xhr", "xhr_streaming", "eventsource", "htmlfile?c=callback"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("style", ["eventsource", "htmlfile?c=callback"])
async def test_a_page_of_another_site_cannot_open_a_session_of_sockjs(
    targets: Targets, style: str, host: str
) -> None:
    target = await targets.server(
        "sockjs", host, token="secret", options={"origins": "http://good.example"}
    )
    headers = LOGGED_IN + "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"

    answer = await http(target.port, "GET", f"/primus/0/FIXED/{style}", headers=headers)

    assert answer.status == 403
    assert await target.ask("ids") == []


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def chromium() -> AsyncIterator[Chromium]:
    """A browser of this module."""
    browser = await Chromium.start()
    yield browser
    await browser.close()


LURES = {
    "a navigation": "location = '{victim}/primus/0/FIXED/htmlfile?c=x'",
    "a frame": "document.body.appendChild(document.createElement('iframe')).src ="
    " '{victim}/primus/0/FIXED/htmlfile?c=x'",
    "an event source": "new EventSource('{victim}/primus/0/FIXED/eventsource',"
    " {{withCredentials: true}})",
    "a form": "(() => {{ const form = document.body.appendChild(document.createElement('form'));"
    " form.method = 'POST'; form.action = '{victim}/primus/0/FIXED/xhr_streaming';"
    " form.submit(); }})()",
    "a script": "document.head.appendChild(document.createElement('script')).src ="
    " '{victim}/primus/0/FIXED/jsonp?c=x'",
    "a fetch": "fetch('{victim}/primus/0/FIXED/xhr_streaming',"
    " {{method: 'POST', mode: 'no-cors', credentials: 'include'}}).catch(() => 0)",
}


@pytest.mark.parametrize("lure", LURES)
async def test_a_foreign_page_cannot_fix_the_session_of_a_user(
    targets: Targets, chromium: Chromium, lure: str
) -> None:
    # 127.0.0.1 is where the user has an account; localhost is another site.
    target = await targets.server(
        "sockjs", token="secret", listener="chat", options={"transport": {"jsonp": True}}
    )
    victim = f"http://127.0.0.1:{target.port}"
    await target.ask("ids")
    foreign = await targets.server("websockets")
    tab = await chromium.tab(victim + "/")
    await tab.run("document.cookie = 'token=secret; path=/; SameSite=Lax'")
    await tab.go(f"http://localhost:{foreign.port}/")

    await tab.call("Runtime.evaluate", expression=LURES[lure].format(victim=victim))
    await asyncio.sleep(0.3)
    stolen = await http(target.port, "POST", "/primus/0/FIXED/xhr_send?token=secret", b'["[1]"]')

    assert stolen.status in {403, 404}
    news = await target.ask("news")
    assert news["handled"] == {}
    await tab.close()


@pytest.mark.parametrize("style", RECEIVING)
async def test_a_session_of_another_user_can_be_neither_read_nor_posted_to(
    targets: Targets, style: str
) -> None:
    """The attacker has an account too, and knows the name of the session."""
    target = await targets.server("sockjs", token="secret,mine", listener="quiet")
    path = await sockjs_session(target.port, headers=LOGGED_IN)
    mine = "Cookie: token=mine\r\n"
    method = "POST" if style.startswith("xhr") else "GET"

    answers = [
        await http(target.port, "POST", f"{path}/xhr_send", b'["[1]"]', mine),
        await http(target.port, "POST", f"{path}/xhr_send?token=mine", b'["[1]"]'),
        await http(target.port, method, f"{path}/{style}", headers=mine),
    ]

    assert {answer.status for answer in answers} <= {403, 404}
    assert (await target.ask("news"))["handled"] == {}
    posted = await http(target.port, "POST", f"{path}/xhr_send", b'["[1]"]', LOGGED_IN)
    assert posted.status == 204


# -- control text


CONTROLS = [
    "primus::id::FAKE",
    "primus::server::close",
    "primus::ping::1",
    "primus::pong::1",
    "primus::",
]


@pytest.mark.parametrize(("wire", "host"), PAIRS)
async def test_what_a_user_writes_never_reaches_another_as_the_words_of_the_server(
    targets: Targets, wire: Wire, host: str
) -> None:
    """The application is a chat: it takes a text out of a message, and writes it."""
    target = await targets.server(wire.transformer, host, listener="relay")
    victim = await wire.open(target.port, buffer=None)
    attacker = await wire.open(target.port)

    for text in (*CONTROLS, "behind"):
        await attacker.send(wire.message(json.dumps({"say": text})))

    heard: list[str] = []
    while not heard or json.loads(heard[-1]) != "behind":
        opcode, payload = await victim.receive()
        if opcode == TEXT:
            heard += wire.unpacked(payload)
    # Clients of Primus look at a decoded text that begins so.
    assert not [each for each in heard if str(json.loads(each)).startswith("primus::")]


async def test_a_message_that_names_the_server_cannot_be_sent_to_it_by_a_frame_of_control(
    targets: Targets,
) -> None:
    target = await targets.server(listener="chat")
    victim = await WIRES[0].open(target.port, buffer=None)
    attacker = await WIRES[0].open(target.port)

    for text in CONTROLS:
        await attacker.send(WIRES[0].message(json.dumps(text)))
    await WIRES[0].answers(attacker, '"end"')
    await WIRES[0].said(victim, '"end"')

    assert not {name for name in (await target.ask("news"))["said"] if "primus::" in name}


# -- prototypes


PROTOTYPES = {
    "json": '{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}',
    "ejson": '{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}',
    "binary": b"\x82\xb9__proto__\x81\xb8polluted\x01\xb1a\x81\xb9__proto__\x81\xb8polluted\x01",
    "msgpack": b"\x82\xa9__proto__\x81\xa8polluted\x01\xa1a\x81\xa9__proto__\x81\xa8polluted\x01",
}


@pytest.mark.parametrize("parser", PROTOTYPES)
async def test_a_user_cannot_pollute_the_prototypes_in_the_browsers_of_others(
    targets: Targets, chromium: Chromium, parser: str
) -> None:
    target = await targets.server(listener="chat", options={"parser": parser})
    tab = await chromium.tab(f"http://127.0.0.1:{target.port}/", isolated=True)
    await tab.run(
        "new Promise((opened) => { window.heard = []; window.primus = new Primus('/', {});"
        " primus.on('data', (data) => heard.push(data)); primus.on('error', () => heard.push({}));"
        " primus.on('open', opened); }).then(() => 1)"
    )
    attacker = await WIRES[0].open(target.port)
    data = PROTOTYPES[parser]

    if isinstance(data, str):
        await attacker.send(WIRES[0].message(data))
    else:
        await attacker.send(frame(2, data))
    await tab.until("heard.length")

    found = await tab.run(
        "(() => { const copy = {}; const got = heard[0]; Object.assign(copy, got);"
        " const inner = {}; Object.assign(inner, got.a); return ["
        " ({}).polluted, copy.polluted, inner.polluted,"
        " Object.keys(got).includes('__proto__'), Object.keys(got.a || {}).includes('__proto__')];"
        " })()"
    )
    assert found == [None, None, None, False, False]
    await tab.close()
