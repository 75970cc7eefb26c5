import { runBundled, runPlugin } from './bundle.js';
import { Primus } from './primus.js';
import { makeRequires } from './requires.js';

/**
 * Puts what one server compiles in onto `Primus`. The names between dollars are filled in by
 * library.py; `root` and `host` are arguments of the wrapper around it all (umd.js, esm.js).
 */
Primus.requires = makeRequires(host.require, host.load);
Primus.prototype.version = $version$;
Primus.prototype.pathname = $pathname$;
Primus.prototype.authorization = $authorization$;

(function compile() {
  const transformer = $transformer$;
  const parser = $parser$;
  const plugins = $plugins$;

  Primus.prototype.compiled = {
    transformer: $transformer_name$,
    parser: $parser_name$,
    pingTimeout: $ping_timeout$,
    keepAlive: $keep_alive$,
    connect: transformer.module.default,
    library: transformer.library,
    encode: parser.module.encode,
    decode: parser.module.decode
  };
  for (const [name, plugin] of plugins) {
    if (plugin.module) Primus.prototype.ark[name] = plugin.module.default;
  }
})();
