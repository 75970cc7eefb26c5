import assert from 'node:assert/strict';
import test from 'node:test';

import { Recovery } from '../../src/primus/browser/js/recovery.js';
import { ManualClock } from './fakes.js';

const NAMES = [
  'reconnect scheduled', 'reconnect', 'reconnected', 'reconnect timeout', 'reconnect failed'
];

function make(options) {
  const clock = new ManualClock();
  const recovery = new Recovery(options, clock);
  const log = [];

  for (const name of NAMES) {
    recovery.on(name, (...args) => {
      const opts = args[args.length - 1];

      log.push([name, opts.attempt, opts.scheduled, opts.duration]);
    });
  }
  return { clock, recovery, log };
}

test('the defaults are those of Primus, durations may be text', () => {
  const { recovery } = make();
  const other = make({ min: '1 s', max: '1 minute', timeout: '5 seconds', retries: 3 }).recovery;

  assert.deepEqual(
    [recovery.min, recovery.max, recovery.retries, recovery.factor, recovery['reconnect timeout']],
    [500, Infinity, 10, 2, 30000]
  );
  assert.deepEqual([other.min, other.max, other['reconnect timeout'], other.retries],
    [1000, 60000, 5000, 3]);
  assert.equal(make({ 'reconnect timeout': 7, timeout: 8 }).recovery['reconnect timeout'], 7);
});

test('a connection that comes back is announced with how long it took', () => {
  const { clock, recovery, log } = make();

  recovery.reconnect();
  assert.equal(recovery.reconnecting(), true);
  clock.advance(500);
  clock.advance(20);
  recovery.reconnected();

  assert.deepEqual(log, [
    ['reconnect scheduled', 1, 500, 0], ['reconnect', 1, 500, 500], ['reconnected', 1, 500, 520]
  ]);
  assert.equal(recovery.attempt, null);
  assert.deepEqual(clock.waiting, []);
});

test('delays grow by factor, are spread by chance from the first on and end at max', () => {
  const { clock, recovery, log } = make({ min: 100, max: 1000, retries: 5 });

  for (const luck of [0.75, 0, 0.5, 0.9, 0]) {
    clock.luck = luck;
    recovery.reconnect();
    clock.advance(recovery.attempt.scheduled);
  }
  const delays = log.filter(([name]) => name === 'reconnect scheduled').map((entry) => entry[2]);

  assert.deepEqual(delays, [175, 200, 600, 1000, 1000]);
});

test('a failed attempt leads to the next one, the last one to the failure', () => {
  const { clock, recovery, log } = make({ min: 10, max: 10, retries: 2 });

  recovery.reconnect();
  clock.advance(10);
  recovery.reconnected(new Error('refused'));
  clock.advance(10);
  recovery.reconnected(new Error('refused'));

  assert.deepEqual(log.map(([name, attempt]) => `${name} ${attempt}`), [
    'reconnect scheduled 1', 'reconnect 1', 'reconnect scheduled 2', 'reconnect 2',
    'reconnect failed 2'
  ]);
  assert.equal(recovery.reconnecting(), false);
  assert.deepEqual(clock.waiting, []);
});

test('an attempt that takes too long times out and leads to the next one', () => {
  const { clock, recovery, log } = make({ timeout: 50 });
  let error;

  recovery.on('reconnect timeout', (reason) => { error = reason; });
  recovery.reconnect();
  clock.advance(550);

  assert.deepEqual(log.map(([name]) => name),
    ['reconnect scheduled', 'reconnect', 'reconnect timeout', 'reconnect scheduled']);
  assert.equal(error.message, 'Failed to reconnect in a timely manner');
});

test('a listener of the timeout may give up', () => {
  const { clock, recovery, log } = make({ timeout: 50 });

  recovery.on('reconnect timeout', () => recovery.reset());
  recovery.reconnect();
  clock.advance(5000);
  assert.equal(log.length, 3);
});

test('no attempts at all fail at once', () => {
  const { recovery, log } = make({ retries: 0 });

  recovery.on('reconnect failed', (error) => assert.equal(error.message, 'Unable to recover'));
  recovery.reconnect();
  assert.deepEqual(log, [['reconnect failed', 0, 0, 0]]);
});

test('asking again while waiting changes nothing, and nothing succeeds before it was tried', () => {
  const { clock, recovery, log } = make();

  recovery.reconnected();
  recovery.reconnect().reconnect();
  recovery.reconnected();
  recovery.reconnected(new Error('early'));
  assert.equal(log.length, 1);
  assert.equal(clock.waiting.length, 1);
});

test('reset and destroy leave no timer behind', () => {
  const { clock, recovery, log } = make();

  recovery.reconnect().reset();
  assert.deepEqual(clock.waiting, []);
  recovery.reconnect();
  recovery.destroy();
  clock.advance(1e6);
  assert.equal(log.length, 2);
});

test('every event carries the same state, with every name of the timeout', () => {
  const { clock, recovery } = make({ timeout: 77 });
  const seen = new Set();

  for (const name of NAMES) recovery.on(name, (...args) => seen.add(args[args.length - 1]));
  recovery.reconnect();
  clock.advance(500);
  recovery.reconnected();

  assert.equal(seen.size, 1);
  const [opts] = seen;
  assert.equal(opts.timeout, 77);
  assert.equal(opts['reconnect timeout'], 77);
  assert.equal(opts.start, 1000);
});

test('an attempt whose answer waits while the thread is busy is not given up', () => {
  const clock = new ManualClock();
  const recovery = new Recovery({ min: 10, timeout: 200 }, clock);
  const seen = [];

  for (const event of ['reconnect timeout', 'reconnected']) recovery.on(event, () => seen.push(event));
  recovery.reconnect();
  clock.advance(10);
  clock.block(600);
  recovery.reconnected();
  clock.advance(5000);
  assert.deepEqual(seen, ['reconnected']);
});

test('an attempt that has failed in time does not time out as well', () => {
  const { clock, recovery, log } = make({ timeout: 50 });

  recovery.reconnect();
  clock.advance(500);
  recovery.reconnected(new Error('refused'));
  clock.advance(60);
  assert.deepEqual(log.map(([name]) => name),
    ['reconnect scheduled', 'reconnect', 'reconnect scheduled']);
});

test('nothing succeeds between two attempts', () => {
  const { clock, recovery, log } = make();

  recovery.reconnect();
  clock.advance(500);
  recovery.reconnected(new Error('refused'));
  recovery.reconnected();
  assert.equal(recovery.reconnecting(), true);
  assert.equal(log.length, 3);
});

test('a procedure is over when its success is told', () => {
  const { clock, recovery } = make();
  const seen = [];

  recovery.on('reconnected', () => seen.push(recovery.reconnecting()));
  recovery.reconnect();
  clock.advance(500);
  recovery.reconnected();
  assert.deepEqual(seen, [false]);
});

test('a listener of the schedule may give up, and no timer is left', () => {
  const { clock, recovery } = make();

  recovery.on('reconnect scheduled', () => recovery.reset());
  recovery.reconnect();
  assert.deepEqual(clock.waiting, []);
});

test('what has been destroyed tells nothing any more', () => {
  const { recovery, log } = make();

  recovery.destroy();
  recovery.reconnect();
  recovery.reset();
  assert.deepEqual(log, []);
});
