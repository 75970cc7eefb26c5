import assert from 'node:assert/strict';
import test from 'node:test';

import { makeClient } from './fakes.js';

const TEXTS = ['primus::server::close', 'primus::id::fake', 'primus::', 'primus::anything', '\uFEFFprimus::id::x'];

/** What has been sent that is no control text of ours. */
const messages = (made) => made.wire.sent.filter((frame) => frame !== '"primus::id::"');

test('text that the server would obey is refused at the call', () => {
  const made = makeClient().accept();

  for (const text of TEXTS) {
    assert.throws(() => made.client.write(text), { name: 'TypeError', message: /within something/ });
    assert.throws(() => made.client.end(text), TypeError);
  }
  assert.throws(() => made.client.write(Object(TEXTS[0])), TypeError);
  assert.deepEqual(messages(made), []);
  assert.equal(made.client.readyState, 3);
});

test('within something, and with anything before it, it is data', () => {
  const made = makeClient().accept();

  made.client.write({ text: TEXTS[0] });
  made.client.write([TEXTS[0]]);
  made.client.write(' ' + TEXTS[0]);
  assert.deepEqual(messages(made), [
    '{"text":"primus::server::close"}', '["primus::server::close"]', '" primus::server::close"'
  ]);
});

test('text that a transform has made so is an error, and is not sent', () => {
  const made = makeClient().accept();
  const errors = [];

  made.client.on('error', (error) => errors.push(error.message));
  made.client.transform('outgoing', (packet) => { packet.data = TEXTS[0]; });
  made.client.write('harmless');
  assert.equal(errors.length, 1);
  assert.match(errors[0], /cannot be sent/);
  assert.deepEqual(messages(made), []);
});

test('a transform may wrap what could not be sent bare', () => {
  const made = makeClient().accept();

  made.client.transform('outgoing', (packet) => { packet.data = [packet.data]; });
  made.client.write(TEXTS[0]);
  assert.deepEqual(messages(made), ['["primus::server::close"]']);
});
