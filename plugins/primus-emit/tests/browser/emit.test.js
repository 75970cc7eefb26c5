import assert from 'node:assert/strict';
import test from 'node:test';

import emit from '../../src/primus_emit/emit.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

/** An open client with the plugin in use, and what its listeners of `events` have heard. */
function make(...events) {
  const made = makeClient({}, { prototype: { ark: { emit } } });
  const heard = [];

  for (const event of events) made.client.on(event, (...args) => heard.push([event, ...args]));
  made.accept();
  return { made, client: made.client, heard };
}

test('an event is sent rather than emitted here', () => {
  const { made, client, heard } = make('news');

  assert.equal(client.emit('news', 'hello', { a: null }), true);
  assert.deepEqual(made.sent, [{ emit: ['news', 'hello', { a: null }] }]);
  assert.deepEqual(heard, []);
});

test('an event that is emitted before the connection is open waits for it', () => {
  const made = makeClient({}, { prototype: { ark: { emit } } });

  made.client.emit('news');
  made.accept();
  assert.deepEqual(made.sent, [{ emit: ['news'] }]);
});

test('an event that is reserved stays here', () => {
  for (const event of ['data', 'incoming::x', 'newListener', 'removeListener']) {
    const { made, client, heard } = make(event);

    assert.equal(client.emit(event, 'x'), true);
    assert.deepEqual(made.sent, []);
    assert.deepEqual(heard, [[event, 'x']]);
  }
});

test('dispatch stays here', () => {
  const { made, client, heard } = make('news');

  client.dispatch('news', 1);
  assert.deepEqual(made.sent, []);
  assert.deepEqual(heard, [['news', 1]]);
});

test('an event that arrives is emitted here and is no data', () => {
  const { made, heard } = make('news', 'data');

  made.receive({ emit: ['news', 'hello', null], more: 'keys' });
  assert.deepEqual(heard, [['news', 'hello', null]]);
  assert.deepEqual(made.sent, []);
});

test('an event without a possible listener is dropped', () => {
  const { made, heard } = make('data', 'end', 'error');
  const hostile = { toString: null, valueOf: 1 };

  for (const event of [['data', 1], ['end'], ['incoming::x'], [], [null], [5], [hostile], [['x']]]) {
    made.receive({ emit: event });
  }
  assert.deepEqual(heard, []);
});

test('what is no event is data', () => {
  const { made, heard } = make('data', 'error');
  const messages = [null, 0, '', 'emit', false, [], { emit: 'news' }, { emit: null }, { emit: {} }];

  for (const message of messages) made.receive(message);
  assert.deepEqual(heard.map(([event, message]) => [event, message]),
    messages.map((message) => ['data', message]));
});

test('a listener that throws disturbs no other', () => {
  const { made, client, heard } = make('error', 'data');

  client.on('news', () => { throw new Error('a listener'); });
  made.receive({ emit: ['news'] });
  made.receive('next');
  made.clock.advance(0);
  assert.deepEqual(heard.map(([event]) => event), ['data']);
  assert.deepEqual(made.clock.errors.map((error) => error.message), ['a listener']);
});

test('an event with more values than the stack may hold is an error, and reaches no listener', () => {
  const { made, heard } = make('news', 'error');
  const most = new Array(4095).fill(0);

  made.receive({ emit: ['news', ...most] });
  made.receive({ emit: ['news', ...most, 0] });
  assert.deepEqual(heard.map(([event, ...values]) => [event, values.length]), [['news', 4095], ['error', 1]]);
});
