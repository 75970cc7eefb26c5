/**
 * Loading modules in Node, where the `ws` package takes the place of the browser's WebSocket.
 */

/**
 * A function that loads a module by name, or gives `undefined` when there is none.
 *
 * It looks beside the client's own file first, then from the directory Node was started in: a
 * downloaded `primus.js` may lie anywhere.
 *
 * @param {?Function} nodeRequire The `require` of a CommonJS file.
 * @param {?Function} load Imports a module by name, for Node before 20.16.
 */
export function makeRequires(nodeRequire, load) {
  const inNode = process && process.versions && process.versions.node;
  const candidates = nodeRequire ? [nodeRequire] : [];

  if (inNode) {
    withNodeModule(nodeRequire, load, (node) => {
      const file = nodeRequire ? null : ownFile();

      if (file) candidates.push(node.createRequire(file));
      candidates.push(node.createRequire(process.cwd() + '/primus.js'));
    });
  }
  return function requires(name) {
    for (const candidate of candidates) {
      try {
        return candidate(name);
      } catch (error) {
        if (!error || error.code !== 'MODULE_NOT_FOUND') throw error;
      }
    }
    return undefined;
  };
}

/** The URL of the ES module this stands in. Asked by syntax, a bundler answers with its own. */
function ownFile() {
  const found = /file:\/\/.+?(?=:\d+:\d+)/.exec(new Error().stack);

  return found && found[0];
}

function withNodeModule(nodeRequire, load, use) {
  if (typeof process.getBuiltinModule === 'function') use(process.getBuiltinModule('module'));
  else if (nodeRequire) use(nodeRequire('module'));
  else if (load) load('node:module').then(use);
}
