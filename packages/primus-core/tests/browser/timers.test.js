import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test from 'node:test';

import { Timers, duration, systemClock } from '../../src/primus/browser/js/timers.js';
import { ManualClock } from './fakes.js';

const DURATIONS = [
  ['500 ms', 500], ['500', 500], ['30 seconds', 30000], ['1 second', 1000], ['2m', 120000],
  ['1.5 hours', 5400000], ['2 days', 172800000], ['10 milliseconds', 10], ['3 mins', 180000],
  ['4 MSECS', 4], [7, 7], [Infinity, Infinity], [false, false], [undefined, undefined]
];

for (const [given, ms] of DURATIONS) {
  test(`the duration ${String(given)} is ${String(ms)} ms`, () => {
    assert.equal(duration(given), ms);
  });
}

for (const text of ['', 'soon', '5 parsecs', '-1 s', '1..2 s']) {
  test(`"${text}" is not a duration, and is named in the error`, () => {
    assert.throws(() => duration(text), (error) => error.message.includes(`"${text}"`));
  });
}

test('a timer runs once and is gone before its function is called', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  const seen = [];

  timers.setTimeout('a', () => seen.push(timers.active('a')), '1 s');
  clock.advance(999);
  assert.equal(timers.active('a'), true);
  clock.advance(1);
  clock.advance(5000);
  assert.deepEqual(seen, [false]);
});

test('a timer replaces the one of the same name', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  const seen = [];

  timers.setTimeout('a', () => seen.push('old'), 10).setTimeout('a', () => seen.push('new'), 20);
  clock.advance(30);
  assert.deepEqual(seen, ['new']);
});

test('clear stops the named timers, or all', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);

  for (const name of ['a', 'b', 'c', 'd']) timers.setTimeout(name, () => assert.fail(name), 10);
  timers.clear('a', 'b', 'unknown');
  assert.deepEqual(Object.keys(timers.timers), ['c', 'd']);
  timers.destroy();
  clock.advance(20);
  assert.deepEqual(clock.waiting, []);
});

test('a delay too long for the platform never fires, instead of at once', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);

  timers.setTimeout('a', () => assert.fail(), Infinity);
  assert.equal(timers.active('a'), true);
  assert.deepEqual(clock.waiting, []);
  timers.clear();
  assert.equal(timers.active('a'), false);
});

test('the system clock is the real one', async () => {
  const before = systemClock.ticks();

  await new Promise((resolve) => systemClock.setTimeout(resolve, 1));
  systemClock.clearTimeout(systemClock.setTimeout(() => assert.fail(), 5));
  assert.ok(systemClock.ticks() > before);
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  assert.ok(systemClock.random() < 1);
});

test('what is expected of a peer is judged on time while the thread is free', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  const seen = [];

  timers.expect('a', () => seen.push(clock.time - 1000), 200);
  clock.advance(200);
  assert.deepEqual(seen, [200]);
  assert.equal(timers.active('a'), false);
});

test('a thread that is busy again and again postpones the judgement three times at most', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);
  const seen = [];

  timers.expect('a', () => seen.push('judged'), 200);
  for (let round = 0; round < 3; round += 1) clock.block(5000);
  assert.deepEqual(seen, []);
  clock.block(5000);
  assert.deepEqual(seen, ['judged']);
});

test('what is expected no longer is not judged, even while it has its grace', () => {
  const clock = new ManualClock();
  const timers = new Timers(clock);

  timers.expect('a', () => assert.fail(), 200);
  clock.block(600);
  assert.equal(timers.active('a'), true);
  timers.clear('a');
  clock.advance(5000);
});

test('with the real clock, what has arrived while the thread was busy is read first', async (t) => {
  const timers = new Timers(systemClock);
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const socket = connect(server.address().port, '127.0.0.1');
  t.after(() => socket.destroy());
  const [peer] = await once(server, 'connection');
  const order = [];

  socket.on('data', () => order.push('read'));
  const judged = new Promise((resolve) => {
    timers.expect('a', () => resolve(order.push('judged')), 10);
  });
  peer.write('ping');
  for (const end = performance.now() + 50; performance.now() < end;);
  await judged;
  assert.deepEqual(order, ['read', 'judged']);
});

test('what has arrived is read before a peer is judged, also by a timer that is in time', () => {
  const clock = new ManualClock();
  const seen = [];

  new Timers(clock).expect('answer', () => seen.push('judged'), 100);
  clock.setTimeout(() => seen.push('read'), 100);
  clock.advance(100);
  assert.deepEqual(seen, ['read', 'judged']);
});
