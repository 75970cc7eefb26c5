import assert from 'node:assert/strict';
import test from 'node:test';

import { Queue } from '../../src/primus/browser/js/queue.js';
import { makeClient } from './fakes.js';

const MANY = 100000;

/** Counts the items that arrays move while `fn` runs: for each call, what is behind the change. */
function moved(fn) {
  const { shift, splice, unshift } = Array.prototype;
  let count = 0;

  Array.prototype.shift = function counted(...args) {
    count += this.length;
    return shift.apply(this, args);
  };
  Array.prototype.unshift = function counted(...args) {
    count += this.length;
    return unshift.apply(this, args);
  };
  Array.prototype.splice = function counted(...args) {
    count += this.length;
    return splice.apply(this, args);
  };
  try {
    fn();
  } finally {
    Object.assign(Array.prototype, { shift, splice, unshift });
  }
  return count;
}

test('a queue gives what it was given, oldest first', () => {
  const queue = new Queue([1, 2]);

  queue.push(3);
  assert.deepEqual([queue.shift(), queue.shift(), queue.length], [1, 2, 1]);
  queue.push(4);
  assert.deepEqual(queue.items, [3, 4]);
  queue.items.length = 0;
  queue.push(5);
  assert.deepEqual([queue.shift(), queue.length], [5, 0]);
});

test('what is kept while away leaves without moving the rest for every message', () => {
  const made = makeClient().accept();

  made.wire.onclose();
  for (let n = 0; n < MANY; n += 1) made.client.write(n);
  made.clock.advance(500);

  assert.ok(moved(() => made.wire.onopen()) < 4 * MANY);
  assert.equal(made.sent.length, MANY);
  assert.equal(made.sent[MANY - 1], MANY - 1);
});

test('a queueSize that is reached drops the oldest without moving the rest', () => {
  const made = makeClient({ queueSize: MANY / 2 });

  assert.ok(moved(() => { for (let n = 0; n < MANY; n += 1) made.client.write(n); }) < 4 * MANY);
  assert.equal(made.client.buffer.length, MANY / 2);
  assert.equal(made.client.buffer[0], MANY / 2);
});

test('messages behind a slow transform go on without moving the rest', () => {
  const made = makeClient().accept();
  const waiting = [];

  made.client.transform('incoming', (packet, next) => { waiting.push(next); });
  for (let n = 0; n < MANY; n += 1) made.receive(n);
  let seen = 0;

  made.client.on('data', () => { seen += 1; });
  assert.ok(moved(() => { for (let n = 0; n < MANY; n += 1) waiting[n](); }) < 4 * MANY);
  assert.equal(seen, MANY);
});
