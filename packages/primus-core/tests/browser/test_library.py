import json
import re
from dataclasses import replace
from importlib.resources import files

import pytest

from primus.browser import Browser, LibraryParts, declarations, library
from primus.browser.library import fill, source_map
from primus.browser.modules import EXTRA_MODULES, LAST_MODULE, MODULES, VARIANTS, digest, variant
from primus.errors import PrimusError

CONNECT = "export default function connect(wire) { return wire; }\n"
PARSER = "export function encode(value) {}\nexport function decode(frame) {}\n"
PARTS = LibraryParts(version="1.2.3", transformer=Browser(CONNECT), parser=Browser(PARSER))
SCRIPTS = files("primus.browser").joinpath("js")


@pytest.mark.parametrize("format", ["umd", "esm"])
def test_the_same_parts_give_the_same_text(format):
    assert library(PARTS, format) == library(replace(PARTS), format)


@pytest.mark.parametrize("format", ["umd", "esm"])
def test_no_placeholder_and_no_import_is_left(format):
    text = library(PARTS, format)

    assert "typeof require" not in text
    assert "? require" not in text


def test_umd_is_the_default_and_another_format_is_an_error():
    assert library(PARTS) == library(PARTS, "umd")
    with pytest.raises(PrimusError, match="'umd' or 'esm', not as 'amd'"):
        library(PARTS, "amd")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(45.0, "45000"), (0.0625, "62"), (None, "false"), (False, "false")]
)
def test_the_ping_timeout_is_compiled_in_as_milliseconds(seconds, expected):
    assert f"pingTimeout: {expected}," in library(replace(PARTS, ping_timeout=seconds))


@pytest.mark.parametrize(("authorization", "expected"), [(True, "true"), (False, "false")])
def test_authorization_is_compiled_in(authorization, expected):
    text = library(replace(PARTS, authorization=authorization))

    assert f"authorization: {expected}," in text


def test_what_is_compiled_in_cannot_leave_its_string_or_its_script_element():
    evil = '/a"</script><!--\u2028$body$'
    text = library(replace(PARTS, pathname=evil, plugins={evil: Browser(CONNECT)}))

    assert '"/a\\"\\u003c/script\\u003e\\u003c!--\\u2028$body$"' in text
    assert "</script" not in text
    assert "\u2028" not in text


def test_a_version_cannot_leave_its_comment():
    assert "*/" not in library(replace(PARTS, version="1*/alert(1)/*")).splitlines()[0][:-2]


@pytest.mark.parametrize("name", ["Primus", "$", "_p1", "app.Primus", "a.b.c", "Привет"])
def test_a_global_name_is_a_path_of_identifiers(name):
    assert library(replace(PARTS, global_name=name))


@pytest.mark.parametrize("name", ["", "1a", "a b", "a..b", ".a", "a;b", "a-b", "__proto__.a", "a'"])
def test_any_other_global_name_is_an_error_that_shows_it(name):
    with pytest.raises(PrimusError, match=re.escape(repr(name))):
        library(replace(PARTS, global_name=name))
    with pytest.raises(PrimusError, match=re.escape(repr(name))):
        declarations(replace(PARTS, global_name=name))


@pytest.mark.parametrize(
    "client",
    [
        "export default function connect(wire) {}",
        "export default async function connect(wire) {}",
        "export default function (wire) {}",
        "export default (wire) => wire;",
        "export default class Adapter {}",
        "export default class extends Object {}",
        "const connect = 1;\nexport default connect;",
        "export const name = 'x';\nexport default function connect(wire) {}",
    ],
)
def test_a_module_may_export_in_every_usual_way(client):
    text = library(replace(PARTS, transformer=Browser(client)))

    assert re.search(r"return \{ (\w+: \w+, )?default: [\w$]+(, \w+: \w+)? \};", text)
    assert not re.search(r"^export", text, re.MULTILINE)


@pytest.mark.parametrize(
    "statement",
    [
        "import x from 'x';",
        "import 'x';",
        "export { connect };",
        "export * from 'x';",
        "export let x = 1;",
        "export const { a } = b;",
        "const x = import.meta.url;",
    ],
)
def test_a_statement_that_cannot_be_bundled_is_shown_with_its_owner(statement):
    parts = replace(PARTS, plugins={"rooms": Browser(f"{CONNECT}{statement}\n")})

    with pytest.raises(PrimusError) as caught:
        library(parts)
    assert "plugin 'rooms'" in str(caught.value)
    assert repr(statement) in str(caught.value)


def test_a_dynamic_import_is_left_alone():
    assert library(replace(PARTS, transformer=Browser(f"{CONNECT}import('x');\n")))


def test_a_module_without_the_exports_of_its_kind_is_an_error():
    with pytest.raises(PrimusError, match="transformer 'faye' does not export default"):
        library(replace(PARTS, transformer=Browser(PARSER), transformer_name="faye"))
    with pytest.raises(PrimusError, match="parser 'json' does not export decode"):
        library(replace(PARTS, parser=Browser("export const encode = String;")))
    with pytest.raises(PrimusError, match="plugin 'emit' does not export default"):
        library(replace(PARTS, plugins={"emit": Browser(PARSER)}))


@pytest.mark.parametrize("kind", ["transformer", "parser"])
def test_a_transformer_and_a_parser_need_a_browser_half(kind):
    with pytest.raises(PrimusError, match=rf"{kind} '\w+' has no browser half"):
        library(replace(PARTS, **{kind: Browser()}))


def test_plugins_keep_their_order():
    text = library(replace(PARTS, plugins={"b": Browser(CONNECT), "a": Browser(library="1;")}))

    assert text.index('["b",') < text.index('["a",')


def test_a_template_and_its_values_have_to_fit():
    assert fill("$a$ $a$", {"a": "$a$"}, "x.js") == "$a$ $a$"
    with pytest.raises(PrimusError, match=r"x\.js has no placeholder for b"):
        fill("$a$", {"a": "", "b": ""}, "x.js")
    with pytest.raises(PrimusError, match=r"x\.js has placeholders without a value: a"):
        fill("$a$", {}, "x.js")


def test_a_module_stands_behind_those_it_imports():
    modules = (*MODULES, *EXTRA_MODULES, LAST_MODULE)
    for position, name in enumerate(modules):
        source = SCRIPTS.joinpath(f"{name}.js").read_text("utf-8")
        imports = re.findall(r"from '\./([a-z]+)\.js'", source)

        assert set(imports) <= set(modules[:position])


def test_our_modules_share_no_name():
    declared = [
        name
        for module in (*MODULES, *EXTRA_MODULES)
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:function|class|const|let) ([\w$]+)",
            SCRIPTS.joinpath(f"{module}.js").read_text("utf-8"),
            re.MULTILINE,
        )
    ]

    assert len(declared) == len(set(declared))


def test_every_script_is_bundled():
    scripts = {path.name for path in SCRIPTS.iterdir() if path.name.endswith(".js")}

    assert scripts == {
        f"{name}.js" for name in (*MODULES, *EXTRA_MODULES, "compiled", "umd", "esm")
    }


def test_a_module_that_only_plugins_need_is_there_once_and_only_for_them():
    assert "class Stream " not in library(PARTS)
    plugin = Browser(client="export default function () {}", modules=("stream",))

    text = library(replace(PARTS, plugins={"one": plugin, "two": plugin}))

    assert text.count("class Stream ") == 1
    unknown = Browser(client="export default function () {}", modules=("streams",))
    with pytest.raises(PrimusError, match="no module 'streams' of the client"):
        library(replace(PARTS, plugins={"one": unknown}))


def test_what_plugins_ask_with_is_there_for_any_plugin_with_a_module():
    plugin = Browser(client="export default function () {}")

    assert "class Answers " not in library(PARTS)
    assert "class Answers " in library(replace(PARTS, plugins={"one": plugin}))
    assert "class Answers " not in library(replace(PARTS, plugins={"one": Browser(library="1;")}))


def test_a_variant_has_what_its_modules_need():
    assert VARIANTS == ((), ("answers",), ("answers", "stream"))
    assert variant([]) == (*MODULES, "compiled")
    assert variant(["stream"]) == (*MODULES, "answers", "stream", "compiled")


MINIFIED = replace(
    PARTS.transformer,
    minified="return{default:t=>t};",
    source_map='{"version":3,"sources":["0:client.js"],"names":[],"mappings":"AAAA"}',
)


@pytest.mark.parametrize("format", ["umd", "esm"])
def test_a_half_that_is_minified_is_taken_in_that_form_if_wanted(format):
    parts = replace(PARTS, transformer=MINIFIED)

    assert "return{default:t=>t};" in library(parts, format, minified=True)
    assert "return{default:t=>t};" not in library(parts, format)
    assert library(parts, format) == library(PARTS, format)


@pytest.mark.parametrize("format", ["umd", "esm"])
def test_a_source_map_has_the_sources_of_what_is_minified_at_their_lines(format):
    parts = replace(PARTS, transformer=MINIFIED)
    lines = library(parts, format, minified=True).split("\n")

    made = json.loads(source_map(parts, format))

    assert made["version"] == 3
    first = made["sections"][0]
    assert lines[first["offset"]["line"]] == "return{default:t=>t};"
    assert first["offset"]["column"] == 0
    assert first["map"] == {
        "version": 3,
        "sources": ["transformer-websockets/client.js"],
        "sourcesContent": [CONNECT],
        "names": [],
        "mappings": "AAAA",
    }


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of an import package with a browser half."""
    folder = tmp_path / f"half_of_{tmp_path.name}"  # imported once: no two tests share it
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "client.js").write_text(CONNECT)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_minified_file_is_used_if_it_was_made_from_the_source(package):
    (package / "client.min.js").write_text(f"// {digest(CONNECT)} terser\nreturn{{}};\n")
    (package / "client.min.js.map").write_text("{}")

    half = Browser.read(package.name, library="1;", modules=("stream",), declarations="d")

    assert half == Browser(CONNECT, "1;", ("stream",), "d", "return{};", "{}")


def test_a_minified_file_of_another_source_is_not_used(package):
    (package / "client.min.js").write_text(f"// {digest(PARSER)} terser\nreturn{{}};\n")

    assert Browser.read(package.name) == Browser(CONNECT)


def test_a_half_without_a_minified_file_is_read_as_it_is(package):
    (package / "other.js").write_text(PARSER)

    assert Browser.read(package.name, "other.js") == Browser(PARSER)


def test_the_declarations_name_the_global_when_it_is_one():
    assert "export as namespace Hello;" in declarations(replace(PARTS, global_name="Hello"))
    assert "export as namespace" not in declarations(replace(PARTS, global_name="app.Primus"))
    assert "1.2.3" in declarations(PARTS).splitlines()[0]


def test_the_declarations_of_the_module_export_as_a_module():
    text = declarations(PARTS, "esm")

    assert "export { Primus, Primus as default, Emitter as EventEmitter, connect };" in text
    assert "export =" not in text
    assert "export as namespace" not in text
    with pytest.raises(PrimusError, match="'umd' or 'esm', not as 'amd'"):
        declarations(PARTS, "amd")


@pytest.mark.parametrize("format", ["umd", "esm"])
def test_nothing_is_left_for_a_bundler_to_evaluate(format):
    text = library(PARTS, format)

    assert "import.meta" not in text
    assert "typeof require" not in text
    assert "? require" not in text


def test_a_client_that_is_not_pinged_is_told_how_often_to_speak() -> None:
    assert "keepAlive: 25000," in library(replace(PARTS, ping_timeout=None, keep_alive=25.0))
    assert "keepAlive: false," in library(PARTS)
