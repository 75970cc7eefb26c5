"""The browser client as it is served, and how a page learns of it."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from primus import Primus
from primus.browser import Artefact
from primus.browser import artefact as artefacts
from primus.browser.library import Browser, LibraryParts
from primus.http import Request, Response
from primus.server.client_library import ClientLibrary
from primus_testing import make_request

PARTS = LibraryParts(
    version="1.2.3",
    transformer=Browser("export default function connect(wire) { return wire; }\n"),
    parser=Browser("export function encode(value) {}\nexport function decode(frame) {}\n"),
)
MINIFIED = replace(
    PARTS,
    transformer=replace(
        PARTS.transformer,
        minified="return{default:t=>t};",
        source_map='{"version":3,"sources":["0:client.js"],"names":[],"mappings":"AAAA"}',
    ),
)


async def get(primus: Primus, path: str, method: str = "GET", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await primus.handle(make_request(path, method=method, headers=named))
    assert response is not None
    return response


@pytest.fixture
def primus() -> Primus:
    return Primus()


async def test_the_client_is_to_be_asked_for_again_with_its_tag(primus: Primus) -> None:
    first = await get(primus, "/primus/primus.js")
    tag = first.headers["ETag"]
    assert re.fullmatch('"[0-9a-f]{16}"', tag)
    assert first.body == primus.library(minified=True).encode()
    assert tag == f'"{hashlib.sha256(first.body).hexdigest()[:16]}"'
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["Vary"] == "Accept-Encoding"
    second = await get(primus, "/primus/primus.js", If_None_Match=tag)
    assert (second.status, second.body) == (304, b"")
    kept = {name: second.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
    assert kept == {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    assert "Content-Type" not in second.headers
    assert "Content-Length" not in second.headers_for(make_request("/"))


async def test_a_head_is_told_that_it_is_the_same_but_a_post_is_not(primus: Primus) -> None:
    tag = (await get(primus, "/primus/primus.mjs")).headers["ETag"]
    for method, status in (("GET", 304), ("HEAD", 304), ("POST", 200)):
        answer = await get(primus, "/primus/primus.mjs", method, If_None_Match=tag)
        assert answer.status == status


@pytest.mark.parametrize("name", ["primus.js", "primus.mjs", "primus.d.ts", "primus.d.mts"])
async def test_each_file_is_compressed_for_those_that_take_it(primus: Primus, name: str) -> None:
    plain = await get(primus, f"/primus/{name}")
    small = await get(primus, f"/primus/{name}", Accept_Encoding="gzip")
    assert gzip.decompress(bytes(small.body)) == plain.body
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["Content-Type"] == plain.headers["Content-Type"]
    assert small.headers["ETag"] == f'{plain.headers["ETag"][:-1]}-gzip"'
    for accepted, tag, status in (
        ("gzip", small.headers["ETag"], 304),
        ("gzip", plain.headers["ETag"], 200),
        ("gzip;q=0", small.headers["ETag"], 200),
        ("gzip;q=0", plain.headers["ETag"], 304),
    ):
        again = await get(primus, f"/primus/{name}", Accept_Encoding=accepted, If_None_Match=tag)
        assert again.status == status
    unwanted = await get(primus, f"/primus/{name}", Accept_Encoding="gzip;q=0, deflate")
    assert "Content-Encoding" not in unwanted.headers
    assert unwanted.body == plain.body


async def test_the_extra_brotli_is_preferred_where_it_is_installed(
    primus: Primus, monkeypatch: pytest.MonkeyPatch
) -> None:
    for found, accepted, expected in (
        (("gzip",), "br, gzip", "gzip"),
        (("br", "gzip"), "br, gzip", "br"),
        (("br", "gzip"), "gzip", "gzip"),
    ):
        monkeypatch.setattr("primus.browser.artefact.codings", lambda each=found: each)
        answer = await get(primus, "/primus/primus.d.ts", Accept_Encoding=accepted)
        assert answer.headers["Content-Encoding"] == expected
        assert answer.headers["ETag"].endswith(f'-{expected}"')


def test_brotli_is_offered_when_one_of_its_libraries_can_be_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for installed, expected in (
        (["brotli"], ("br", "gzip")),
        (["brotlicffi"], ("br", "gzip")),
        ([], ("gzip",)),
    ):

        def imported(name: str, installed: list[str] = installed) -> Any:
            if name not in installed:
                raise ImportError(name)
            return gzip

        monkeypatch.setattr(artefacts, "import_module", imported)
        for known in (artefacts.codings, artefacts._brotli_compressor):
            known.cache_clear()
        assert artefacts.codings() == expected
    monkeypatch.undo()
    for known in (artefacts.codings, artefacts._brotli_compressor):
        known.cache_clear()


async def test_a_file_is_compressed_once_for_all_that_ask_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compressed: list[bytes] = []

    def compress(content: bytes) -> bytes:
        compressed.append(content)
        return b"small"

    monkeypatch.setitem(artefacts.COMPRESSORS, "gzip", compress)
    file = Artefact("text", "text/plain")
    assert file.ready("gzip") is None
    assert await asyncio.gather(file.coded("gzip"), file.coded("gzip")) == [b"small", b"small"]
    assert file.ready("gzip") == b"small"
    assert file.ready("identity") == b"text"
    assert compressed == [b"text"]


async def test_a_compression_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(content: bytes) -> bytes:
        raise MemoryError

    monkeypatch.setitem(artefacts.COMPRESSORS, "gzip", fail)
    file = Artefact("text", "text/plain")
    with pytest.raises(MemoryError):
        await file.coded("gzip")
    monkeypatch.setitem(artefacts.COMPRESSORS, "gzip", bytes.upper)
    assert await file.coded("gzip") == b"TEXT"


async def test_a_client_that_goes_leaves_the_compression_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(artefacts.COMPRESSORS, "gzip", bytes.upper)
    file = Artefact("text", "text/plain")
    gone, other = (asyncio.ensure_future(file.coded("gzip")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await other == b"TEXT"


async def test_the_hashed_url_may_be_kept_for_ever(primus: Primus) -> None:
    for format, suffix in (("umd", "js"), ("esm", "mjs")):
        url = primus.library_url(format)  # type: ignore[arg-type]
        assert re.fullmatch(rf"/primus/primus\.[0-9a-f]{{16}}\.{suffix}", url)
        answer = await get(primus, url)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.body == (await get(primus, f"/primus/primus.{suffix}")).body
        again = await get(primus, url, If_None_Match=answer.headers["ETag"])
        assert again.status == 304
        assert again.headers["Cache-Control"] == "public, max-age=31536000, immutable"


async def test_any_other_hash_gets_the_client_too_but_may_not_be_kept(primus: Primus) -> None:
    answer = await get(primus, "/primus/primus.0123456789abcdef.js")
    assert answer.body == primus.library(minified=True).encode()
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    ["primus.0123.js", "primus.0123456789ABCDEF.js", "primus.js.txt", "primus.d.ts.map", "primus."],
)
async def test_other_names_are_none_of_the_client(primus: Primus, name: str) -> None:
    assert primus.library_file(name) is None
    assert (await get(primus, f"/primus/{name}")).status == 426


async def test_the_url_changes_with_the_client(primus: Primus) -> None:
    before = primus.library_url()
    assert primus.library_url() == before
    primus.authorize(lambda request: None)
    assert primus.library_url() != before


def test_the_url_may_be_that_of_another_origin(primus: Primus) -> None:
    path = primus.library_url()
    assert primus.library_url(base="https://rt.example/") == f"https://rt.example{path}"


def test_the_integrity_is_that_of_what_is_served(primus: Primus) -> None:
    digest = hashlib.sha384(primus.library(minified=True).encode()).digest()
    assert primus.library_integrity() == f"sha384-{b64encode(digest).decode()}"
    assert primus.library_integrity("esm") != primus.library_integrity()


def test_a_page_gets_an_element_with_url_and_integrity(primus: Primus) -> None:
    url, integrity = primus.library_url(), primus.library_integrity()
    tag = primus.script_tag()
    assert tag == f'<script src="{url}" integrity="{integrity}"></script>'
    assert tag.__html__() == tag
    assert primus.script_tag(base="https://rt.example", nonce='a"<>&') == (
        f'<script src="https://rt.example{url}" integrity="{integrity}" crossorigin="anonymous" '
        'nonce="a&quot;&lt;&gt;&amp;"></script>'
    )


async def test_without_minify_the_readable_client_is_served() -> None:
    primus = Primus(minify=False)
    answer = await get(primus, "/primus/primus.js")
    assert answer.body == primus.library().encode()
    assert "SourceMap" not in answer.headers
    assert (await get(primus, "/primus/primus.js.map")).status == 426


@pytest.mark.parametrize(("mode", "minify"), [((), "True"), (("-X", "dev"), "False")])
def test_a_server_minifies_unless_python_is_in_development_mode(
    mode: tuple[str, ...], minify: str
) -> None:
    command = [
        sys.executable,
        *mode,
        "-c",
        "from primus import Primus; print(Primus().options.minify)",
    ]
    assert subprocess.check_output(command, text=True).strip() == minify


def test_a_minified_client_names_its_source_map() -> None:
    served = ClientLibrary(lambda: MINIFIED, minify=True)
    name = served.hashed_name()
    for each in ("primus.js", name):
        found = served.file(each)
        assert found is not None
        assert found[1]["SourceMap"] == f"{name}.map"
    for each, lasting in (
        ("primus.js.map", "no-cache"),
        (f"{name}.map", "public, max-age=31536000, immutable"),
    ):
        found = served.file(each)
        assert found is not None
        mapping, headers = found
        assert headers == {"Cache-Control": lasting}
        assert mapping.content_type == "application/json"
        assert json.loads(mapping.content)["sections"][0]["map"]["mappings"] == "AAAA"
    assert served.file("primus.0123456789abcdef.js.map") is None
    assert served.file("primus.mjs.map") is not None


def test_a_client_of_which_nothing_is_minified_has_no_source_map(tmp_path: Path) -> None:
    served = ClientLibrary(lambda: replace(PARTS, plugins={}), minify=False)
    found = served.file("primus.js")
    assert found is not None
    assert found[1] == {"Cache-Control": "no-cache"}
    assert served.file("primus.js.map") is None


@pytest.mark.parametrize(("name", "format"), [("a.js", "umd"), ("a.mjs", "esm")])
def test_a_minified_file_is_written_with_its_source_map(
    tmp_path: Path, name: str, format: Any
) -> None:
    made = ClientLibrary(lambda: MINIFIED, minify=True)
    made.save(tmp_path / name, minified=True)
    text = made.text(format, minified=True)
    assert (tmp_path / name).read_text() == f"{text}//# sourceMappingURL={name}.map\n"
    assert "AAAA" in (tmp_path / f"{name}.map").read_text()


def test_a_readable_file_is_written_alone(tmp_path: Path) -> None:
    made = ClientLibrary(lambda: MINIFIED, minify=True)
    made.save(tmp_path / "a.js")
    assert (tmp_path / "a.js").read_text() == made.text()
    assert [each.name for each in tmp_path.iterdir()] == ["a.js"]


def test_a_request_for_another_folder_is_not_of_the_client(primus: Primus) -> None:
    (layer,) = (each for each in primus.layers if each.name == "primus.js")
    request: Request = make_request("/primus/other/primus.js")
    assert layer.fn(request) is None


async def test_what_brotli_compresses_is_the_client(primus: Primus) -> None:
    brotli = import_module("brotli" if sys.implementation.name == "cpython" else "brotlicffi")
    answer = await get(primus, "/primus/primus.js", Accept_Encoding="br")
    assert answer.headers["Content-Encoding"] == "br"
    assert brotli.decompress(bytes(answer.body)) == primus.library(minified=True).encode()
