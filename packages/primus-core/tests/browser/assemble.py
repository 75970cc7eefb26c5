"""Writes the assembled clients that assembled.test.js loads to the folder it is given.

With ``--min`` they are minified.
"""

import sys
from dataclasses import replace
from pathlib import Path

from primus.browser import Browser, LibraryParts, library

LOOPBACK = """
export default function connect(wire) {
  setTimeout(wire.onopen, 0);
  return {
    send: (frame) => setTimeout(() => wire.onmessage(frame), 0),
    close() {}
  };
}
"""
EXPORTING = """
(function (root, factory) {
  if (typeof exports === 'object' && typeof module !== 'undefined') module.exports = factory();
  else root.loopback = factory();
})(this, function () { return { later: function (fn) { setTimeout(fn, 0); } }; });
"""
USING = """
export default function connect(wire) {
  if (wire.library !== library || wire.Primus !== Primus) throw new Error('not the same');
  library.later(wire.onopen);
  return { send: (frame) => library.later(() => wire.onmessage(frame)), close() {} };
}
"""
PLUGIN = """
export default function (socket, options) {
  (socket.greetings = socket.greetings || []).push('hello from ' + NAME);
}
const NAME = '%s';
"""
GLOBAL = "this.libraryOfPlugin = 'set' + (Primus.EventEmitter ? ' with Primus' : '');"


def main(folder: Path, *, minified: bool) -> None:
    json = Browser.read("primus.parsers", "json.js")
    plain = LibraryParts(version="1.2.3", transformer=Browser(LOOPBACK), parser=json)
    plugins = {
        "first": Browser(PLUGIN % "first", GLOBAL),
        "__proto__": Browser(PLUGIN % "__proto__"),
        "only library": Browser(library=GLOBAL),
    }
    texts = {
        "primus.js": library(plain, "umd", minified=minified),
        "primus.mjs": library(plain, "esm", minified=minified),
        "nested.js": library(replace(plain, global_name="app.Primus"), minified=minified),
        "plugins.js": library(
            replace(plain, transformer=Browser(USING, EXPORTING), plugins=plugins),
            minified=minified,
        ),
    }
    if minified and texts["primus.js"] == library(plain):
        sys.exit("there is no minified client: python tools/minifying.py")
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")


main(Path(sys.argv[1]), minified=sys.argv[2:] == ["--min"])
