'use strict';

/*
 * Node's Primus gives its Socket.IO clients all transports of the library, whatever its options say. This makes those of
 * a client's `transport` option all that there are.
 */
exports.keepTo = function keepTo(installed, { options, library }) {
  const { transports } = options.transport || {};

  if (!transports || library) return;
  installed('primus-socket.io-client').transports = transports.slice();
  delete options.transport.transports;
};
