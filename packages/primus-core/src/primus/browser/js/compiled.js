import { runBundled, runPlugin } from './bundle.js';
import { Primus } from './primus.js';
import { makeRequires } from './requires.js';

/**
 * Puts what one server compiles in, `server`, onto `Primus`. `root`, `host` and `server` are of the
 * wrapper around it all: umd.js or esm.js, and library.py.
 */
if (typeof process === 'object') Primus.requires = makeRequires(host.require, host.load);

(function compile() {
  const transformer = runBundled(root, Primus, ...server.transformer);
  const parser = runBundled(root, Primus, ...server.parser);

  Object.assign(Primus.prototype, server.members);
  Object.assign(Primus.prototype.compiled, {
    connect: transformer.module.default,
    library: transformer.library,
    encode: parser.module.encode,
    decode: parser.module.decode
  });
  for (const [name, script, module] of server.plugins) {
    const plugin = runPlugin(root, Primus, script, module).module;

    if (plugin) Primus.prototype.ark[name] = plugin.default;
  }
})();
