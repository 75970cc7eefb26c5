/*! Primus $version$, browser client, MIT licence. Made by the server: do not edit. */
(function (root, load) {
  var commonjs = typeof module === 'object' && module && typeof module.exports === 'object';
  // Spelt so that bundlers do not take it for an import that they cannot follow.
  var key = 'require';
  var inNode = typeof process === 'object' && commonjs && typeof module[key] === 'function';
  var Primus = load(root, { require: inNode ? module[key].bind(module) : null });
  var path = $global_path$;
  var context = root;

  Primus.default = Primus.Primus = Primus;
  if (commonjs) {
    module.exports = Primus;
    return;
  }
  for (var i = 0; i < path.length - 1; i++) context = context[path[i]] = context[path[i]] || {};
  context[path[path.length - 1]] = Primus;
  if (typeof define === 'function' && define.amd) define(function () { return Primus; });
})(typeof globalThis === 'object' ? globalThis : typeof self === 'object' ? self : this,
function (root, host) {
var define, module, exports, require;
$body$
});
