'use strict';

/*
 * Node's Primus has its Engine.IO clients begin by polling, whatever its options say. This makes them keep to the
 * `transports` of a client's `transport` option.
 */
const patched = new Set();

function patch(installed) {
  const file = installed.resolve('engine.io-client');
  const real = installed(file);
  const kept = (options) => Object.assign({}, options, { transports: options.kept || options.transports });

  if (patched.has(file)) return;
  patched.add(file);
  if (real.Socket && real.Socket.prototype && real.protocol > 3) {
    class Socket extends real.Socket {
      constructor(url, options) {
        if (typeof url === 'object') super(kept(url));
        else super(url, options);
      }
    }
    require.cache[file].exports = Object.assign({}, real, { Socket });
  } else {
    require.cache[file].exports = Object.assign((options) => real(kept(options)), real);
  }
}

exports.keepTo = function keepTo(installed, { options, library }) {
  const { transports } = options.transport || {};

  patch(installed);
  if (transports && !library) options.transport = { kept: transports };
};
