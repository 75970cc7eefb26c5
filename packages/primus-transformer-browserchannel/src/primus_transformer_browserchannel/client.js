/**
 * The browser half of the `browserchannel` transformer: the bundled BCSocket, or in Node the package
 * of that name, which knows how to do without a browser.
 */
const MISSING = 'Missing required `browserchannel` module. Please run `npm install --save browserchannel`';
const OWN = /^(AID|CI|CVER|MODE|OAID|OSID|RID|SID|TYPE|VER|_primuscb|t|zx)$/;
const AFFINITY = 'a';
const STOPPED = 7;

/** BCSocket loads an image from a foreign host when a request fails, unless it is given another. */
const PIXEL = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';

/** Opens one session: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const { BCSocket } = (inNode() ? wire.Primus.requires('browserchannel') : wire.library) || {};

  if (!BCSocket) throw Object.assign(new Error(MISSING), { critical: true });
  const uri = wire.uri({ protocol: 'http:', query: true });
  const [, head, query] = /^([^?]*)\??([^]*)$/.exec(uri);
  const address = head.replace(/^([^/]*\/\/)[^/]*@/, '$1').replace(/\/$/, '');
  const socket = new BCSocket(address, options(wire, uri, address, query));
  let stopped = false;

  socket.onopen = () => wire.onopen();
  socket.onmessage = (event) => wire.onmessage(event.data);
  socket.onerror = (message, code) => {
    stopped = code === STOPPED; // in order: the server has ended the connection
    if (!stopped) wire.onerror(Object.assign(new Error(message || 'BrowserChannel failed'), { code }));
  };
  socket.onclose = (reason) => wire.onclose({ reason, clean: stopped });
  return {
    socket,
    send: (frame) => socket.send(frame),
    close: () => close(socket)
  };
}

/** Closes a socket, also one that is still connecting, which BCSocket cannot. */
function close(socket) {
  socket.onmessage = socket.onerror = socket.onclose = () => {};
  if (socket.readyState === socket.CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}

/** The options of BCSocket: the user's, and those that Primus depends on. */
function options(wire, uri, address, query) {
  const { transport } = wire;
  const extraParams = fields(query);
  const chosen = Object.assign({
    testImageUri: inNode() ? address + '/test?VER=8&MODE=init' : PIXEL
  }, transport, { extraParams, reconnect: false });
  const extraHeaders = wire.headers(transport.extraHeaders, uri);

  if (Object.keys(extraHeaders).length) chosen.extraHeaders = extraHeaders;
  // BCSocket would put a field of its own, by which load balancers may go, in the place of the user's.
  if ((chosen.affinityParam || AFFINITY) in extraParams) chosen.affinity = null;
  return chosen;
}

/** The fields of a query string by their names; BCSocket sends one of a name, and here it is the last. */
function fields(query) {
  const found = Object.create(null);

  for (const field of query.split('&')) {
    const [, name, value] = /^([^=]*)=?([^]*)$/.exec(field).map(decoded);

    if (field && !OWN.test(name)) found[name] = value;
  }
  return found;
}

/** A field as servers read it, whatever is wrong with its escapes. */
function decoded(text) {
  const spaced = text.replace(/\+/g, ' ');

  return spaced.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = escapes.slice(1).split('%').map((digits) => parseInt(digits, 16));

    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes));
  });
}

function inNode() {
  return typeof process === 'object' && Boolean(process.versions && process.versions.node);
}
