/**
 * The browser half of the `engine.io` transformer: the bundled engine.io-client, or in Node the
 * package of that name, which knows how to do without a browser.
 */
const MISSING = 'Missing required `engine.io-client` module. Please run `npm install --save engine.io-client`';

/** Opens one session: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const open = factory(wire);

  if (!open) throw Object.assign(new Error(MISSING), { critical: true });
  const uri = wire.uri({ protocol: 'http:', query: true });
  const socket = open(uri, options(wire, wire.primus.parse(uri)));

  judgePatiently(socket, wire.primus);
  socket.binaryType = 'arraybuffer';
  socket.on('open', () => wire.onopen());
  socket.on('message', (frame) => wire.onmessage(frame));
  socket.on('error', (error) => wire.onerror(described(error)));
  socket.on('close', (reason) => wire.onclose({ reason, clean: reason === 'forced close' }));
  return {
    socket,
    send: (frame) => socket.send(frame),
    close: () => socket.close()
  };
}

/** What makes a socket: the bundled script needs a browser. */
function factory({ Primus, library }) {
  if (!inNode()) return library;
  const { Socket } = Primus.requires('engine.io-client') || {};

  return Socket && ((url, chosen) => new Socket(url, chosen));
}

/** The options of engine.io-client: the user's, and those that Primus depends on. */
function options({ transport, avoidWebSockets }, address) {
  const chosen = Object.assign({ transports: ['polling', 'websocket'] }, transport);

  if (avoidWebSockets) chosen.transports = ['polling'];
  if (address.auth) {
    const authorization = { Authorization: 'Basic ' + btoa(decodeURIComponent(address.auth)) };

    chosen.extraHeaders = Object.assign(authorization, transport.extraHeaders);
  }
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
