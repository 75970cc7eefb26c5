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

    on(event, fn) {
      this.listeners[event] = fn;
    }

    send() {}

    close() {}
  }
  made.Client.requires = () => ({ Socket });
  return made;
}

test('a listener of outgoing::url decides where to connect, with which path and credentials', () => {
  const made = make();

  made.client.on('outgoing::url', (address) => {
    Object.assign(address, {
      host: 'b.example', pathname: '/else', auth: 'me:pass', query: 'a=1', secure: true
    });
  });
  made.clock.advance(0);

  assert.equal(made.asked.url, 'https://me:pass@b.example/else?a=1');
  assert.equal(made.asked.options.path, '/else');
  assert.equal(made.asked.options.extraHeaders.Authorization, 'Basic bWU6cGFzcw==');
});

test('without a listener the path is the one of the server', () => {
  const made = make();

  made.clock.advance(0);
  assert.equal(made.asked.url, 'http://example.org:8080/primus?token=1&_primuscb=X');
  assert.equal(made.asked.options.path, '/primus');
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
