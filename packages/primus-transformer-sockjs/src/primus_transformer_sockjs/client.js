/**
 * The browser half of the `sockjs` transformer: the bundled sockjs-client, or in Node the package
 * of that name, which knows how to do without a browser.
 */
const MISSING = 'Missing required `sockjs-client` module. Please run `npm install --save sockjs-client`';
const WITHOUT_WEBSOCKETS = [
  'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile', 'iframe-htmlfile',
  'xhr-polling', 'iframe-xhr-polling', 'jsonp-polling'
];

/** Opens one connection: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const SockJS = inNode() ? wire.Primus.requires('sockjs-client') : wire.library;

  if (!SockJS) throw Object.assign(new Error(MISSING), { critical: true });
  const socket = new SockJS(wire.uri({ protocol: 'http:', query: true }), null, options(wire));

  socket.onopen = () => wire.onopen();
  socket.onmessage = (event) => wire.onmessage(event.data);
  socket.onclose = ({ code, reason, wasClean }) => {
    if (code > 1000) wire.onerror(Object.assign(new Error(reason || 'SockJS failed'), { code }));
    wire.onclose({ code, reason, clean: wasClean });
  };
  return {
    socket,
    send: (frame) => socket.send(frame),
    close: () => socket.close()
  };
}

/** The options of sockjs-client: the user's, and no WebSockets where they are to be avoided. */
function options({ transport, avoidWebSockets }) {
  const chosen = Object.assign({}, transport);

  if (avoidWebSockets) {
    chosen.transports = [].concat(chosen.transports || WITHOUT_WEBSOCKETS)
      .filter((name) => name !== 'websocket');
  }
  return chosen;
}

function inNode() {
  return typeof process === 'object' && Boolean(process.versions && process.versions.node);
}
