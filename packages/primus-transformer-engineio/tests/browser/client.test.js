import assert from 'node:assert/strict';
import test from 'node:test';

import { makeClient } from '../../../primus-core/tests/browser/fakes.js';
import connect from '../../src/primus_transformer_engineio/client.js';

/** A client on a library that writes down what it is asked for: `asked` is `{ url, options }`. */
function make(options) {
  const made = makeClient(options, { connect });

  class Socket {
    constructor(url, chosen) {
      made.asked = { url: url.replace(/_primuscb=[\w.-]+/, '_primuscb=X'), options: chosen };
      made.socket = this;
      this.opts = chosen;
      this.listeners = {};
      this.setTimeoutFn = setTimeout;
      this.clearTimeoutFn = clearTimeout;
    }

    createTransport(name) {
      return { uri: () => `http://host/primus/?EIO=4&transport=${name}` };
    }

    on(event, fn) {
      this.listeners[event] = fn;
    }

    once(event, fn) {
      this.on(event, fn);
    }

    send() {}

    close() { made.closed = this.readyState; }
  }
  made.Client.requires = () => ({ Socket });
  return made;
}

/** The URL of a request of its transport. */
function asking(made) {
  return made.socket.createTransport('polling').uri();
}

test('the query string of the user is sent letter by letter, without the fields of the protocol', () => {
  const made = make();

  made.client.on('outgoing::url', (address) => {
    address.query = 'a=1&a=2&b=%zz&c=x+y&d=$&&EIO=9&transport=x&sid=y&t=1&b64=1&j=0&%73id=z&ts=1&e';
  });
  made.clock.advance(0);
  assert.equal(
    asking(made), 'http://host/primus/?a=1&a=2&b=%zz&c=x+y&d=$&ts=1&e&EIO=4&transport=polling'
  );
});

test('the bundled script, which gives a function, is extended by the class of what it makes', (t) => {
  const { process } = globalThis;
  const made = make();
  const { Socket } = made.Client.requires();

  t.after(() => { globalThis.process = process; });
  globalThis.process = undefined;
  made.client.compiled.library = (url, options) => new Socket(url, options);
  made.clock.advance(0);
  assert.ok(made.socket instanceof Socket);
  assert.match(asking(made), /\?token=1&_primuscb=/);
});

test('an Authorization of the user goes before the credentials of the URL', () => {
  const made = make({ transport: { extraHeaders: { authorization: 'Bearer token' } } });

  made.client.on('outgoing::url', (address) => { address.auth = 'me:pass'; });
  made.clock.advance(0);
  assert.deepEqual(made.asked.options.extraHeaders, { authorization: 'Bearer token' });
});

test('a listener of outgoing::url decides where to connect, with which path and credentials', () => {
  const made = make();

  made.client.on('outgoing::url', (address) => {
    Object.assign(address, {
      host: 'b.example', pathname: '/else', auth: 'me:pass', query: 'a=1', secure: true
    });
  });
  made.clock.advance(0);

  assert.equal(made.asked.url, 'https://me:pass@b.example/else');
  assert.equal(asking(made), 'http://host/primus/?a=1&EIO=4&transport=polling');
  assert.equal(made.asked.options.path, '/else');
  assert.equal(made.asked.options.extraHeaders.Authorization, 'Basic bWU6cGFzcw==');
});

test('without a listener the path is the one of the server', () => {
  const made = make();

  made.clock.advance(0);
  assert.equal(made.asked.url, 'http://example.org:8080/primus');
  assert.match(asking(made), /\/\?token=1&_primuscb=[\w.-]+&EIO=4&transport=polling$/);
  assert.equal(made.asked.options.path, '/primus');
});

test('a session that is being opened by polling is closed once it is open', () => {
  const made = make();

  made.clock.advance(0);
  Object.assign(made.socket, { readyState: 'opening', transport: { name: 'polling' } });
  made.client.end();
  assert.equal(made.closed, undefined);
  made.socket.readyState = 'open';
  made.socket.listeners.open();
  assert.equal(made.closed, 'open');
});

test('a WebSocket that is being opened is closed at once', () => {
  const made = make();

  made.clock.advance(0);
  Object.assign(made.socket, { readyState: 'opening', transport: { name: 'websocket' } });
  made.client.end();
  assert.equal(made.closed, 'opening');
});

test('the ping timeout of the library lets what waits be read after the thread was busy', () => {
  const made = make();
  const judged = () => made.socket.listeners.close('ping timeout');

  made.clock.advance(0);
  made.socket.listeners.open();
  const first = made.socket.setTimeoutFn(judged, 200);
  made.clock.block(600);
  made.socket.clearTimeoutFn(first);
  made.socket.setTimeoutFn(judged, 200);
  made.clock.advance(199);
  assert.equal(made.log.includes('close'), false);
  made.clock.advance(1);
  assert.equal(made.log.includes('close'), true);
});
