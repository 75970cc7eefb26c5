/**
 * Running what transformers, parsers and plugins bring along: an optional library script, then
 * their module. Both come wrapped in functions, so that their names stay their own.
 */

/** Runs a transformer's or parser's: the library exports by CommonJS, and sets no global. */
export function runBundled(root, Primus, script, module) {
  const made = { exports: {} };

  script.call(root, made, made.exports, Primus);
  return { library: made.exports, module: module(Primus, made.exports) };
}

/** Runs a plugin's: the library is a plain script, which may set globals. */
export function runPlugin(root, Primus, script, module) {
  script.call(root, Primus);
  return { module: module(Primus) };
}
