import assert from 'node:assert/strict';
import test from 'node:test';

import { makeClient } from '../../../primus-core/tests/browser/fakes.js';
import connect from '../../src/primus_transformer_socketio/client.js';

const CLOSED = 2;

/** A client on a library that writes down what it is asked for: `library.sockets`, `library.requests`. */
function make(options) {
  const made = makeClient(options, { connect });
  const library = { sockets: [], requests: [] };

  class Socket {
    constructor(chosen) {
      Object.assign(this, { options: { transports: ['all'], ...chosen }, doBuffer: false, connected: false });
      this.listeners = {};
      this.sent = [];
      library.sockets.push(this);
    }

    of() {
      return { on: (event, fn) => { this.listeners[event] = fn; }, send: (frame) => this.sent.push(frame), socket: this };
    }

    connect() {
      const { host, port, query } = this.options;

      this.handshake = library.util.request();
      this.handshake.open('GET', `http://${host}:${port}/1/${library.util.query(query, 't=1')}`, true);
    }

    setBuffer(doBuffer) {
      this.doBuffer = doBuffer;
    }

    disconnect() {
      this.sent.push('disconnect');
    }
  }
  library.Socket = Socket;
  library.util = {
    query: () => assert.fail('the library takes query strings apart'),
    request: () => {
      const request = {
        status: 0,
        headers: {},
        open: (...args) => { request.opened = args; },
        setRequestHeader: (name, value) => { request.headers[name] = value; }
      };

      library.requests.push(request);
      return request;
    }
  };
  made.library = library;
  made.Client.requires = (name) => (name === 'primus-socket.io-client' ? library : undefined);
  return made;
}

function opening(made) {
  made.clock.advance(0);
  const [socket] = made.library.sockets;

  return { socket, url: made.library.requests[0].opened[1].replace(/_primuscb=[\w.-]+/, '_primuscb=X') };
}

test('the address of the server, and the transports in the order of the library', () => {
  const made = make();
  const { socket, url } = opening(made);

  assert.equal(url, 'http://example.org:8080/1/?token=1&_primuscb=X&t=1');
  assert.deepEqual(socket.options.transports, ['websocket', 'xhr-polling']);
  assert.equal(socket.options.resource, 'primus');
  assert.equal(socket.options.reconnect, false);
  assert.equal(socket.options.secure, false);
});

test('without WebSockets it polls, and transports of the user are kept', () => {
  assert.deepEqual(opening(make({ websockets: false })).socket.options.transports, ['xhr-polling']);
  const transport = { transports: ['websocket', 'jsonp-polling'], 'connect timeout': 500 };
  const { socket } = opening(make({ websockets: false, transport }));

  assert.deepEqual(socket.options.transports, ['jsonp-polling']);
  assert.equal(socket.options['connect timeout'], 500);
  assert.deepEqual(transport.transports, ['websocket', 'jsonp-polling']);
});

test('the query string of the user is sent letter by letter, without the fields of the protocol', () => {
  const made = make();

  made.client.on('outgoing::url', (address) => {
    address.query = 'a=1&a=2&b=%zz&c=x+y=z&d=$&&t=9&i=1&jsonp=0&%64isconnect=1&ts=1&e';
  });
  assert.match(opening(made).url, /\/1\/\?a=1&a=2&b=%zz&c=x\+y=z&d=\$&ts=1&e&t=1$/);
});

test('a listener of outgoing::url decides where to connect; credentials go into headers in Node', () => {
  const made = make();

  made.client.on('outgoing::url', (address) => {
    Object.assign(address, {
      host: 'b.example', pathname: '/else', auth: 'me%40:pass:word', query: '', secure: true
    });
  });
  const { socket } = opening(made);

  assert.deepEqual(made.library.requests[0].opened, ['GET', 'http://b.example:443/1/?t=1', true]);
  assert.deepEqual(made.library.requests[0].headers, { Authorization: 'Basic bWVAOnBhc3M6d29yZA==' });
  assert.equal(socket.options.secure, true);
  assert.equal(socket.options.resource, 'else');
});

test('a refused handshake is an error with status and body, and the end of the attempt', () => {
  const made = make();
  const { socket } = opening(made);
  let failure;

  made.client.on('error', (error) => { failure = error; });
  Object.assign(made.library.requests[0], { status: 401, responseText: '{"error":"no"}' });
  socket.listeners.error('{"error":"no"}');
  assert.equal(failure.status, 401);
  assert.equal(failure.body, '{"error":"no"}');
  assert.equal(made.client.readyState, CLOSED);
});

test('without any transport the attempt has failed', () => {
  const made = make();
  const { socket } = opening(made);

  socket.listeners.connect_failed();
  assert.equal(made.log.includes('error'), true);
  assert.equal(made.client.readyState, CLOSED);
});

test('messages pass, and the end of the server is the end', () => {
  const made = make();
  const { socket } = opening(made);
  const got = [];

  made.client.on('data', (data) => got.push(data));
  socket.connected = true;
  socket.listeners.connect();
  socket.listeners.message('"hello"');
  made.client.write('there');
  assert.deepEqual(got, ['hello']);
  assert.equal(socket.sent.includes('"there"'), true);
  socket.listeners.disconnect('booted');
  assert.equal(made.log.includes('close'), true);
});

test('an end waits for the post that is under way, and for what it has kept waiting', () => {
  const made = make();
  const { socket } = opening(made);

  socket.connected = true;
  socket.listeners.connect();
  socket.doBuffer = true;
  made.client.end();
  assert.equal(socket.sent.includes('disconnect'), false);
  socket.setBuffer(true);
  assert.equal(socket.sent.includes('disconnect'), false);
  socket.setBuffer(false);
  assert.equal(socket.sent.includes('disconnect'), true);
});

test('a library that is missing is a critical error that says what to install', () => {
  const made = make();
  let failure;

  made.Client.requires = () => undefined;
  made.client.on('error', (error) => { failure = error; });
  made.clock.advance(0);
  assert.match(failure.message, /npm install --save primus-socket\.io-client/);
});
