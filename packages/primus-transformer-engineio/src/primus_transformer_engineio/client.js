/**
 * The browser half of the `engine.io` transformer: the bundled engine.io-client, or in Node the
 * package of that name, which knows how to do without a browser.
 */
const MISSING = 'Missing required `engine.io-client` module. Please run `npm install --save engine.io-client`';
const OWN = /^(EIO|transport|t|sid|b64|j)(=|$)/;
const classes = new Map();

/** Opens one session: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const Socket = factory(wire);

  if (!Socket) throw Object.assign(new Error(MISSING), { critical: true });
  const uri = wire.uri({ protocol: 'http:', query: true });
  const address = wire.primus.parse(uri);
  const Carrying = carrying(Socket, address.query.slice(1));
  const socket = new Carrying(uri.replace(/\?[^]*$/, ''), options(wire, uri, address));

  judgePatiently(socket, wire.primus);
  socket.binaryType = 'arraybuffer';
  socket.on('open', () => wire.onopen());
  socket.on('message', (frame) => wire.onmessage(frame));
  socket.on('error', (error) => wire.onerror(described(error)));
  socket.on('close', (reason) => wire.onclose({ reason, clean: reason === 'forced close' }));
  return {
    socket,
    send: (frame) => socket.send(frame),
    close: () => close(socket)
  };
}

/**
 * Closes a socket. One whose session is being opened by polling is closed once it is open:
 * engine.io-client would forget the session, which then stays on the server until its heartbeat fails.
 */
function close(socket) {
  const { readyState, transport } = socket;

  if (readyState === 'opening' && transport && transport.name === 'polling') {
    socket.once('open', () => socket.close());
  } else socket.close();
}

/** The class of sockets: the bundled script, which needs a browser, gives a function that makes one. */
function factory({ Primus, library }) {
  if (inNode()) return (Primus.requires('engine.io-client') || {}).Socket;
  if (library && !classes.has(library)) {
    classes.set(library, library('http://localhost', { transports: [] }).constructor);
  }
  return library && classes.get(library);
}

/**
 * A class whose sockets send `query` letter by letter. engine.io-client takes a query string apart
 * and puts it together anew: of several fields of one name the last was left, a plus was a plus,
 * and a malformed escape threw. Fields that the protocol needs for itself are not sent.
 */
function carrying(Socket, query) {
  const fields = query.split('&').filter((field) => field && !OWN.test(decoded(field))).join('&');

  return class extends Socket {
    createTransport(...args) {
      const transport = super.createTransport(...args);
      const bare = transport.uri;

      transport.uri = function uri() {
        return bare.call(this).replace('?', () => '?' + fields + '&');
      };
      return transport;
    }
  };
}

function decoded(field) {
  return field.replace(/%([0-7][0-9a-f])/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
}

/** The options of engine.io-client: the user's, and those that Primus depends on. */
function options(wire, uri, address) {
  const { transport, avoidWebSockets } = wire;
  const chosen = Object.assign({ transports: ['polling', 'websocket'] }, transport);

  if (avoidWebSockets) chosen.transports = ['polling'];
  if (address.auth) chosen.extraHeaders = wire.headers(transport.extraHeaders, uri);
  // A network that has let a WebSocket pass is no promise that the next one will.
  return Object.assign(chosen, { path: address.pathname, rememberUpgrade: false });
}

/**
 * engine.io-client ends a session by a timer of its own when no ping has come: after a time in
 * which the thread was busy, pings that wait are to be read first.
 */
function judgePatiently(socket, { timers, clock }) {
  if (!socket.setTimeoutFn || socket.opts.autoUnref) return;
  const own = new timers.constructor(clock);
  let last = 0;

  socket.setTimeoutFn = (fn, ms) => {
    last += 1;
    own.expect(String(last), fn, ms);
    return String(last);
  };
  socket.clearTimeoutFn = (name) => { if (name) own.clear(name); };
}

/** An error, with the status of a server that has refused. */
function described(error) {
  const { description, context } = error;

  if (typeof description === 'number' && description) {
    error.status = description;
    if (context && typeof context.responseText === 'string') error.body = context.responseText;
  }
  return error;
}

function inNode() {
  return typeof process === 'object' && Boolean(process.versions && process.versions.node);
}
