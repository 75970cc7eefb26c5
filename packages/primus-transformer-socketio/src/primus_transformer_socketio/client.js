/**
 * The browser half of the `socket.io` transformer: the bundled primus-socket.io-client, or in Node
 * the package of that name, which knows how to do without a browser.
 */
const MISSING = 'Missing required `primus-socket.io-client` module. ' +
  'Please run `npm install --save primus-socket.io-client`';
const TRANSPORTS = ['websocket', 'xhr-polling'];
const OWN = /^(t|i|jsonp|disconnect)(=|$)/;
const AUTH = /^([^/]*\/\/)([^/?#]*)@/;
const mended = [];

/** Opens one session: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const io = inNode() ? wire.Primus.requires('primus-socket.io-client') : wire.library;

  if (!io || !io.Socket) throw Object.assign(new Error(MISSING), { critical: true });
  mend(io, wire);
  const socket = new io.Socket(options(wire));
  const session = socket.of('');
  let isOpen = false;

  // The constructor would mix a list of its own into the one that all sockets share.
  socket.options.transports = transports(wire);
  session.on('connect', () => {
    isOpen = true;
    wire.onopen();
  });
  session.on('message', (frame) => wire.onmessage(frame));
  session.on('disconnect', (reason) => wire.onclose({ reason, clean: reason === 'booted' }));
  session.on('connect_failed', () => {
    wire.onerror(new Error('No transport of Socket.IO can be opened'));
    wire.onclose({ reason: 'connect_failed', clean: false });
  });
  session.on('error', (error) => {
    wire.onerror(described(error, handshake));
    if (!isOpen) wire.onclose({ reason: 'error', clean: false });
  });
  const handshake = begin(io, socket);

  return {
    socket: session,
    send: (frame) => session.send(frame),
    close: () => leave(socket)
  };
}

/** Connects; gives the request of the handshake, whose status the library does not tell. */
function begin(io, socket) {
  const { request } = io.util;
  let made = null;

  io.util.request = (xdomain) => {
    made = request(xdomain);
    return made;
  };
  try {
    socket.connect();
  } finally {
    io.util.request = request;
  }
  return made;
}

/**
 * Ends a session. What is sent while a post is under way waits for that, and is dropped by the
 * library when it disconnects: so that comes first.
 */
function leave(socket) {
  const { setBuffer } = socket;

  if (!socket.connected || !socket.doBuffer) return void disconnect(socket);
  socket.setBuffer = function waiting(doBuffer) {
    setBuffer.call(this, doBuffer);
    if (!this.doBuffer) disconnect(this);
  };
}

/** The library throws when it has no transport yet. */
function disconnect(socket) {
  try {
    socket.disconnect();
  } catch (_error) {
    socket.connecting = false;
  }
}

/** The options of primus-socket.io-client: the user's, and those that Primus depends on. */
function options(wire) {
  const uri = wire.uri({ protocol: 'http:', query: true });
  const address = wire.primus.parse(uri);
  const secure = address.protocol === 'https:';
  const fields = address.query.replace(/^\?/, '').split('&');
  const chosen = Object.assign({}, wire.transport);

  delete chosen.transports;
  return Object.assign(chosen, {
    host: credentials(wire, uri, address) + address.hostname,
    port: address.port || (secure ? 443 : 80),
    secure,
    resource: address.pathname.replace(/^\/|\/$/g, ''),
    query: fields.filter((field) => field && !OWN.test(decoded(field))).join('&'),
    'auto connect': false,
    'force new connection': true,
    reconnect: false
  });
}

/** User and password for a URL. In Node the library throws when they are not encoded well. */
function credentials(wire, uri, { auth }) {
  if (!auth || !inNode()) return auth && auth + '@';
  const { Authorization } = wire.headers({}, uri);
  const [user, ...password] = Buffer.from(Authorization.slice(6), 'base64').toString().split(':');

  return encodeURIComponent(user) + ':' + encodeURIComponent(password.join(':')) + '@';
}

function transports({ transport, avoidWebSockets }) {
  const chosen = [].concat(transport.transports || TRANSPORTS);

  return avoidWebSockets ? chosen.filter((name) => name !== 'websocket') : chosen;
}

/**
 * Makes the library send query strings letter by letter, which it takes apart: of several fields of
 * one name the last was left, and what follows a second `=` was lost. And in Node its requests know
 * nothing of credentials in a URL.
 */
function mend(io, wire) {
  const { request } = io.util;

  if (mended.indexOf(io) >= 0) return;
  mended.push(io);
  io.util.query = (base, addition) => {
    const fields = [base, addition].filter(Boolean).join('&');

    return fields && '?' + fields;
  };
  if (!inNode()) return;
  io.util.request = (xdomain) => {
    const made = request(xdomain);
    const { open } = made;

    made.open = (method, url, ...rest) => {
      const { Authorization } = wire.headers({}, url);

      open.call(made, method, url.replace(AUTH, '$1'), ...rest);
      if (Authorization) made.setRequestHeader('Authorization', Authorization);
    };
    return made;
  };
}

function decoded(field) {
  return field.replace(/%([0-7][0-9a-f])/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
}

/** An error, with the status of a server that has refused the handshake. */
function described(error, { status, responseText }) {
  const made = error instanceof Error ? error : new Error(
    typeof error === 'string' && error ? error : (error && error.message) || 'Socket.IO failed'
  );

  return status && status !== 200 ? Object.assign(made, { status, body: responseText }) : made;
}

function inNode() {
  return typeof process === 'object' && Boolean(process.versions && process.versions.node);
}
