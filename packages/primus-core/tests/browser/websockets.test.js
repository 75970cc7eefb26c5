import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

const file = new URL(
  '../../src/primus/websocket/client.js', import.meta.url
);
const source = await readFile(file, 'utf8');
const { default: connect } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

/** Node's `ws`, as far as it is used. */
class FakeWs extends EventEmitter {
  constructor(...args) {
    super();
    this.args = args;
    this.calls = [];
    this.on('error', (error) => this.onerror({ error, message: error.message }));
  }

  send(frame) {
    this.calls.push(frame);
  }

  close() {
    this.calls.push('close');
  }

  terminate() {
    this.calls.push('terminate');
  }
}

function makeWire(requires) {
  const log = [];

  return {
    log,
    Primus: { requires: (name) => requires && name === 'ws' && requires },
    transport: { headers: { a: 'b' } },
    uri: (options) => `${options.protocol}//me:pass@host/primus?query=${options.query}`,
    headers: (given, uri) => ({ ...given, of: uri }),
    onopen: (...args) => log.push(['open', ...args]),
    onmessage: (...args) => log.push(['message', ...args]),
    onerror: (...args) => log.push(['error', ...args]),
    onclose: (...args) => log.push(['close', ...args])
  };
}

/** Makes the global WebSocket of a browser, and hides that this is Node. */
function inBrowser(t, WebSocket) {
  const { process, WebSocket: own } = globalThis;

  t.after(() => Object.assign(globalThis, { process, WebSocket: own }));
  Object.assign(globalThis, { WebSocket, process: undefined });
}

test('in Node the ws package is used, with the options of the user', () => {
  const wire = makeWire(FakeWs);
  const { socket } = connect(wire);

  assert.ok(socket instanceof FakeWs);
  assert.deepEqual(socket.args, [
    'ws://host/primus?query=true', [], { headers: { a: 'b', of: 'ws://me:pass@host/primus?query=true' } }
  ]);
  assert.equal(socket.binaryType, 'arraybuffer');
});

test('in a browser its WebSocket is used, with nothing but the URL', (t) => {
  class WebSocket {
    constructor(...args) {
      this.args = args;
    }
  }
  inBrowser(t, WebSocket);
  const { socket } = connect(makeWire(FakeWs));

  assert.ok(socket instanceof WebSocket);
  assert.deepEqual(socket.args, ['ws://me:pass@host/primus?query=true']);
});

test('without ws Node falls back to its global WebSocket', (t) => {
  const own = globalThis.WebSocket;

  t.after(() => { globalThis.WebSocket = own; });
  globalThis.WebSocket = class {};
  assert.ok(connect(makeWire()).socket instanceof globalThis.WebSocket);
});

test('without any WebSocket the error is critical and says what to install', (t) => {
  const own = globalThis.WebSocket;

  t.after(() => { globalThis.WebSocket = own; });
  globalThis.WebSocket = undefined;
  assert.throws(() => connect(makeWire()),
    (error) => error.critical && error.message.includes('npm install --save ws'));
});

test('everything the socket tells reaches the wire', () => {
  const wire = makeWire(FakeWs);
  const link = connect(wire);
  const error = new Error('broken');

  link.socket.onopen({ type: 'open' });
  link.socket.onmessage({ data: 'text' });
  link.socket.onerror({ error, message: 'broken' });
  link.socket.onerror({ message: 'no details' });
  link.socket.onerror({ type: 'error' });
  link.socket.onclose({ code: 1001, reason: 'away', wasClean: true, other: 1 });
  assert.deepEqual(wire.log, [
    ['open'], ['message', 'text'], ['error', error], ['error', 'no details'],
    ['error', 'The WebSocket failed'], ['close', { code: 1001, reason: 'away', clean: true }]
  ]);
});

test('frames and the end go to the socket', () => {
  const link = connect(makeWire(FakeWs));

  link.send('frame');
  link.close();
  assert.deepEqual(link.socket.calls, ['frame', 'close']);
});

test('a refused handshake tells status, headers and body', () => {
  const wire = makeWire(FakeWs);
  const { socket } = connect(wire);
  const response = Object.assign(new EventEmitter(), {
    statusCode: 401,
    headers: { 'www-authenticate': 'Basic' },
    destroy: () => response.emit('close')
  });

  socket.emit('unexpected-response', {}, response);
  response.emit('data', Buffer.from('{"error":'));
  response.emit('data', Buffer.from('"no"}'));
  response.emit('data', Buffer.alloc(70000));

  const [[name, error]] = wire.log;
  assert.equal(name, 'error');
  assert.equal(error.message, 'Unexpected server response: 401');
  assert.equal(error.status, 401);
  assert.deepEqual(error.headers, { 'www-authenticate': 'Basic' });
  assert.equal(error.body, '{"error":"no"}');
  assert.deepEqual(socket.calls, ['terminate']);
});
