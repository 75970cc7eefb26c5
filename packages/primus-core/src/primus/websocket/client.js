/**
 * The browser half of the `websockets` transformer: the platform's WebSocket, or in Node the
 * `ws` package, which knows headers, agents and the answer of a server that refuses.
 */
const MISSING = 'Missing required `ws` module. Please run `npm install --save ws`';
const LONGEST_BODY = 65536;

/** Opens one WebSocket: see `Wire` in the core package for the contract. */
export default function connect(wire) {
  const Factory = inNode() && wire.Primus.requires('ws');
  const url = wire.uri({ protocol: 'ws:', query: true });
  let socket;

  if (Factory) socket = new Factory(withoutAuth(url), [], options(wire, url));
  else if (typeof WebSocket === 'function') socket = new WebSocket(url);
  else throw Object.assign(new Error(MISSING), { critical: true });

  socket.binaryType = 'arraybuffer';
  socket.onopen = () => wire.onopen();
  socket.onmessage = (event) => wire.onmessage(event.data);
  socket.onerror = (event) => wire.onerror(event.error || event.message || 'The WebSocket failed');
  socket.onclose = (event) => {
    wire.onclose({ code: event.code, reason: event.reason, clean: event.wasClean });
  };
  if (Factory) socket.on('unexpected-response', (request, response) => refused(socket, response));

  return {
    socket,
    send: (frame) => socket.send(frame),
    close: () => socket.close()
  };
}

/** The options of `ws`: it would send the credentials of a URL as they stand there, escapes and all. */
function options(wire, url) {
  const headers = wire.headers(wire.transport.headers, url);

  return Object.assign({}, wire.transport, { headers });
}

function withoutAuth(url) {
  return url.replace(/^([^/]*\/\/)[^/?#]*@/, '$1');
}

function inNode() {
  return typeof process === 'object' && Boolean(process.versions && process.versions.node);
}

/** Reports the HTTP answer of a server that did not upgrade, as far as it can be read. */
function refused(socket, response) {
  const { statusCode: status, headers } = response;
  const chunks = [];
  let size = 0;
  const report = () => {
    const body = Buffer.concat(chunks).toString('utf8');
    const error = new Error('Unexpected server response: ' + status);

    socket.emit('error', Object.assign(error, { status, headers, body }));
    socket.terminate();
  };

  response.on('data', (chunk) => {
    size += chunk.length;
    if (size <= LONGEST_BODY) chunks.push(chunk);
    else response.destroy();
  });
  response.once('close', report);
}
