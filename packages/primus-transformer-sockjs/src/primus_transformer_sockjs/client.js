/**
 * The browser half of the `sockjs` transformer: the bundled sockjs-client, or in Node the package
 * of that name, which knows how to do without a browser.
 */
const MISSING = 'Missing required `sockjs-client` module. Please run `npm install --save sockjs-client`';
const NO_CREDENTIALS = 'In Node sockjs-client sends user and password over WebSockets only';
const OPENED = '_primusopened';
const AUTH = /^([^/]*\/\/)([^/?#]*)@/;
const WITHOUT_WEBSOCKETS = [
  'xhr-streaming', 'eventsource', 'iframe-eventsource', 'htmlfile', 'iframe-htmlfile',
  'xhr-polling', 'iframe-xhr-polling', 'jsonp-polling'
];

/** Opens one connection: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const SockJS = inNode() ? wire.Primus.requires('sockjs-client') : wire.library;

  if (!SockJS) throw Object.assign(new Error(MISSING), { critical: true });
  const uri = wire.uri({ protocol: 'http:', query: true });
  const socket = new SockJS(address(uri), null, options(wire, uri));

  socket.onopen = () => {
    sayOpened(socket);
    wire.onopen();
  };
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

/**
 * Requests that receive are all alike. So a server that does not know the session, since the client
 * was silent for too long or a proxy has sent it elsewhere, would open it anew and handle what is
 * sent to it. Those after the first say that they are, wherever sockjs-client keeps their URL.
 */
function sayOpened({ _transport }) {
  const poll = _transport && _transport.poll;

  if (poll && poll.receiveUrl) {
    poll.receiveUrl += `${poll.receiveUrl.indexOf('?') < 0 ? '?' : '&'}${OPENED}=1`;
  }
}

/**
 * sockjs-client drops what is behind a second question mark, takes a backslash for a slash, and
 * throws at malformed escapes in credentials. In Node those go another way.
 */
function address(uri) {
  const [, head, query] = /^([^?]*\??)([^]*)$/.exec(uri);
  const whole = head.replace(AUTH, (_, scheme, auth) => (
    inNode() ? scheme : scheme + auth.replace(/%(?![0-9a-f]{2})/gi, '%25')
  ));

  return whole + query.replace(/\?/g, '%3F').replace(/\\/g, '%5C');
}

/** The options of sockjs-client: the user's, and no WebSockets where they are to be avoided. */
function options(wire, uri) {
  const { transport, avoidWebSockets } = wire;
  // 26 characters of 32 kinds are 130 bits: the name of a session cannot be guessed.
  const chosen = Object.assign({ sessionId: 26 }, transport);

  if (avoidWebSockets) {
    chosen.transports = [].concat(chosen.transports || WITHOUT_WEBSOCKETS)
      .filter((name) => name !== 'websocket');
  }
  if (inNode() && AUTH.test(uri)) withCredentials(chosen, (given) => wire.headers(given, uri));
  return chosen;
}

/** In Node sockjs-client sends headers with WebSockets only. */
function withCredentials(chosen, headers) {
  const { websocket } = chosen.transportOptions || {};

  if (chosen.transports && [].concat(chosen.transports).indexOf('websocket') < 0) {
    throw Object.assign(new Error(NO_CREDENTIALS), { critical: true });
  }
  chosen.transportOptions = Object.assign({}, chosen.transportOptions, {
    websocket: Object.assign({}, websocket, { headers: headers(websocket && websocket.headers) })
  });
}

function inNode() {
  return typeof process === 'object' && Boolean(process.versions && process.versions.node);
}
