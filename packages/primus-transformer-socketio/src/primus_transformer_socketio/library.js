// primus-socket.io-client makes itself a global, in place of any other library of that name: here
// it is exported instead, and no page notices. Without a `window` it leaves out what is for Flash,
// which no strict script can hold, and in Node, which does not use it, it finds no browser.
(function (self, window) {
  var before = Object.getOwnPropertyDescriptor(self, 'io');

$library$

  module.exports = self.io;
  if (before) Object.defineProperty(self, 'io', before);
  else delete self.io;
})(typeof self === 'object' ? self : {});
