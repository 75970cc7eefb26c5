import assert from 'node:assert/strict';
import test from 'node:test';

import { EventEmitter } from '../../src/primus/browser/js/events.js';

test('listeners run in the order they were added, with the emitter as this', () => {
  const emitter = new EventEmitter();
  const calls = [];

  emitter.on('x', function first(...args) {
    calls.push(['first', this === emitter, ...args]);
  });
  emitter.addListener('x', () => calls.push(['second']));

  assert.equal(emitter.emit('x', 1, 2), true);
  assert.deepEqual(calls, [['first', true, 1, 2], ['second']]);
});

test('a listener gets the context it asked for', () => {
  const emitter = new EventEmitter();
  const context = {};

  emitter.on('x', function listener() { assert.equal(this, context); }, context).emit('x');
});

test('emit says whether the event had listeners, and an error without a listener is not thrown', () => {
  assert.equal(new EventEmitter().emit('error', new Error('ignored')), false);
});

test('once runs once, even when the event is emitted again by its listener', () => {
  const emitter = new EventEmitter();
  let calls = 0;

  emitter.once('x', () => {
    calls += 1;
    emitter.emit('x');
  });
  emitter.emit('x');
  emitter.emit('x');

  assert.equal(calls, 1);
});

test('once runs once, even when a listener before it emits the event again', () => {
  const emitter = new EventEmitter();
  const calls = [];
  let nested = false;

  emitter.on('x', (value) => {
    if (!nested) {
      nested = true;
      emitter.emit('x', 'inner');
    }
    calls.push(['on', value]);
  });
  emitter.once('x', (value) => calls.push(['once', value]));
  emitter.emit('x', 'outer');

  assert.deepEqual(calls, [['on', 'inner'], ['once', 'inner'], ['on', 'outer']]);
});

test('off removes one listener, also a once listener, and both spellings work', () => {
  const emitter = new EventEmitter();
  const calls = [];
  const plain = () => calls.push('plain');
  const once = () => calls.push('once');

  emitter.on('x', plain).once('x', once).on('x', () => calls.push('kept'));
  emitter.off('x', plain).removeListener('x', once).emit('x');

  assert.deepEqual(calls, ['kept']);
});

test('removeAllListeners forgets one event, or all', () => {
  const emitter = new EventEmitter();

  emitter.on('a', () => {}).on('b', () => {}).on('c', () => {});
  emitter.removeAllListeners('a');
  assert.deepEqual(emitter.eventNames(), ['b', 'c']);
  emitter.off('b');
  assert.equal(emitter.listenerCount('b'), 0);
  emitter.removeAllListeners();
  assert.deepEqual(emitter.eventNames(), []);
});

test('a listener added during an emit waits for the next one', () => {
  const emitter = new EventEmitter();
  let late = 0;

  emitter.once('x', () => emitter.on('x', () => { late += 1; }));
  emitter.emit('x');
  assert.equal(late, 0);
  emitter.emit('x');
  assert.equal(late, 1);
});

test('events named like members of Object are ordinary events', () => {
  const emitter = new EventEmitter();

  assert.equal(emitter.emit('__proto__'), false);
  assert.equal(emitter.emit('constructor'), false);
  assert.deepEqual(emitter.listeners('toString'), []);
});

test('a listener has to be a function', () => {
  assert.throws(() => new EventEmitter().on('x', 'y'), TypeError);
});

test('dispatch stays here, whatever emit has been replaced by', () => {
  const emitter = new EventEmitter();
  const calls = [];

  emitter.emit = () => calls.push('sent');
  emitter.on('x', (value) => calls.push(value));
  emitter.emit('x', 1);
  assert.equal(emitter.dispatch('x', 2), true);
  assert.equal(emitter.dispatch('y'), false);
  assert.deepEqual(calls, ['sent', 2]);
});

test('a listener of once is gone when it is called', () => {
  const emitter = new EventEmitter();
  const seen = [];

  emitter.once('a', () => seen.push(emitter.listenerCount('a')));
  emitter.emit('a');
  assert.deepEqual(seen, [0]);
  assert.deepEqual(emitter.eventNames(), []);
});

test('a listener that another adds hears the next emit first', () => {
  const emitter = new EventEmitter();
  const seen = [];

  emitter.on('a', () => {
    seen.push('first');
    if (seen.length === 1) emitter.on('a', () => seen.push('second'));
  });
  emitter.emit('a');
  assert.deepEqual(seen, ['first']);
  emitter.emit('a');
  assert.deepEqual(seen, ['first', 'first', 'second']);
});
