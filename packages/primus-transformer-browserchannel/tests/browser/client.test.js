import assert from 'node:assert/strict';
import test from 'node:test';

import { makeClient } from '../../../primus-core/tests/browser/fakes.js';
import connect from '../../src/primus_transformer_browserchannel/client.js';

/** A client on a library that writes down what it is asked for: `asked` is `{ url, options }`. */
function make(options) {
  const made = makeClient(options, { connect });

  class BCSocket {
    constructor(url, chosen) {
      made.asked = { url, options: chosen };
      made.socket = this;
      made.closed = 0;
      this.CONNECTING = 0;
      this.readyState = 0;
      this.sent = [];
    }

    send(frame) { this.sent.push(frame); }

    close() { made.closed += 1; }
  }
  made.Client.requires = () => ({ BCSocket });
  return made;
}

/** What it is asked for once the URL has `query`. */
function asking(query, options) {
  const made = make(options);

  made.client.on('outgoing::url', (address) => { address.query = query; });
  made.clock.advance(0);
  return made;
}

test('the query string is sent field by field, without those of the protocol', () => {
  const { asked } = asking('a=1&a=2&b=%zz&c=x+y&e&VER=7&%52ID=x&SID=y&t=1&zx=z&_primuscb=x&n=%C3%A4%FF');

  assert.deepEqual(Object.entries(asked.options.extraParams), [
    ['a', '2'], ['b', '%zz'], ['c', 'x y'], ['e', ''], ['n', 'ä\ufffd']
  ]);
  assert.doesNotMatch(asked.url, /\?/);
});

test('a field that load balancers go by is the user\'s, when there is one of that name', () => {
  assert.equal(asking('a=mine').asked.options.affinity, null);
  assert.equal('affinity' in asking('b=1').asked.options, false);
  assert.equal(asking('b=1', { transport: { affinityParam: 'b' } }).asked.options.affinity, null);
});

test('no image of a foreign host is loaded', () => {
  assert.match(asking('').asked.options.testImageUri, /\/primus\/test\?VER=8&MODE=init$/);
  assert.equal(asking('', { transport: { testImageUri: '/x.gif' } }).asked.options.testImageUri, '/x.gif');
});

test('options that Primus depends on are not the user\'s', () => {
  const { options } = asking('', { transport: { reconnect: true, extraParams: { x: 1 }, failFast: true } }).asked;

  assert.equal(options.reconnect, false);
  assert.deepEqual(Object.keys(options.extraParams), []);
  assert.equal(options.failFast, true);
});

test('the end of the server is no error, and a failure is one', () => {
  for (const [code, errors] of [[7, 0], [2, 1]]) {
    const made = asking('');
    const seen = [];

    made.client.on('error', (error) => seen.push(error));
    made.socket.onopen();
    made.socket.onerror('Request failed', code);
    made.socket.onclose('Request failed');
    assert.equal(seen.length, errors);
    if (errors) assert.equal(seen[0].code, 2);
  }
});

test('a socket that is still connecting is closed once it is open', () => {
  const made = asking('');

  made.client.end();
  assert.equal(made.closed, 0);
  made.socket.onopen();
  assert.equal(made.closed, 1);
});

test('a socket that is open is closed at once', () => {
  const made = asking('');

  made.socket.readyState = 1;
  made.socket.onopen();
  made.client.end();
  assert.equal(made.closed, 1);
});
