import assert from 'node:assert/strict';
import test from 'node:test';

import { Primus } from '../../src/primus/browser/js/primus.js';
import { makeClient } from './fakes.js';

const names = (log) => log.filter((name) => name !== 'readyStateChange');

test('a ping is answered with its own text', () => {
  const made = makeClient().accept();
  const seen = [];

  made.client.on('incoming::ping', (time) => seen.push(time));
  made.client.on('outgoing::pong', (time) => seen.push(time));
  made.receive('primus::ping::1700000000000');
  made.receive('primus::ping::007');
  assert.deepEqual(made.sent, ['primus::pong::1700000000000', 'primus::pong::007']);
  assert.deepEqual(seen, [1700000000000, 1700000000000, 7, 7]);
});

test('an answer that a lost connection still owes is not sent on the next one', () => {
  const made = makeClient().accept();
  let next;

  made.client.transform('outgoing', (packet, go) => { next = go; });
  made.client.write(1);
  made.receive('primus::ping::7');
  made.wire.onclose();
  next();
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, [1]);
});

test('a ping that is read after its wire has gone starts no heartbeat', async () => {
  const made = makeClient({}, { decode: async (frame) => JSON.parse(frame) }).accept();

  made.receive('primus::ping::7');
  made.wire.onclose();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(names(made.log), ['open', 'close', 'reconnect scheduled']);
  assert.equal(made.client.timers.active('heartbeat'), false);
});

test('a server that pings in time keeps the connection', () => {
  const made = makeClient().accept();

  for (let round = 0; round < 5; round += 1) {
    made.clock.advance(44999);
    made.receive('primus::ping::1');
  }
  assert.deepEqual(names(made.log), ['open']);
});

test('a server that stops pinging is lost: offline, close, reconnect, online', () => {
  const made = makeClient({ pingTimeout: 1000 }).accept();

  made.clock.advance(999);
  made.receive('data does not count');
  made.clock.advance(1);
  assert.deepEqual(names(made.log), ['open', 'data', 'offline', 'close', 'reconnect scheduled']);
  assert.equal(made.client.online, false);
  assert.equal(made.wire.hungUp, true);
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(names(made.log).slice(5), ['reconnect', 'reconnected', 'online', 'open']);
  assert.equal(made.client.online, true);
});

test('a client that a silent server has taken offline reconnects, whatever the window adds', () => {
  const made = makeClient({ pingTimeout: 1000 }).accept();

  made.clock.advance(1000);
  made.network.report('offline');
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'reconnect scheduled']);
  made.clock.advance(500);
  made.wire.onopen();
  assert.equal(made.client.readyState, Primus.OPEN);
});

test('a pingTimeout of false waits forever', () => {
  const made = makeClient({ pingTimeout: false }).accept();

  made.clock.advance(1e9);
  assert.deepEqual(names(made.log), ['open']);
  assert.deepEqual(made.clock.waiting, []);
});

test('the server compiles in the default of pingTimeout', () => {
  assert.equal(makeClient({}, { pingTimeout: 900 }).client.options.pingTimeout, 900);
  assert.equal(makeClient({ pingTimeout: 5 }, { pingTimeout: 900 }).client.options.pingTimeout, 5);
});

test('a ping is never sent unless the user asks for it', () => {
  const made = makeClient().accept();

  made.clock.advance(40000);
  made.receive('primus::ping::1');
  made.clock.advance(40000);
  assert.deepEqual(made.sent, ['primus::pong::1']);
});

test('given the option ping, the client pings and measures the latency', () => {
  const made = makeClient({ ping: 25000 }).accept();
  let told;

  made.client.on('outgoing::ping', (time) => { told = time; });
  made.clock.advance(25000);
  assert.deepEqual(made.sent, [`primus::ping::${told}`]);
  made.clock.advance(30);
  made.receive(`primus::pong::${told}`);
  assert.equal(made.client.latency, 30);
  made.clock.advance(25000);
  assert.equal(made.sent.length, 2);
  assert.deepEqual(names(made.log), ['open']);
});

test('given the option ping, a missing pong means lost', () => {
  const made = makeClient({ ping: 1000, pong: 200 }).accept();

  made.receive('primus::pong::1');
  made.clock.advance(1199);
  assert.deepEqual(names(made.log), ['open']);
  made.clock.advance(1);
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'reconnect scheduled']);
});

test('given the option ping, pings of the server are answered all the same', () => {
  const made = makeClient({ ping: 1000 }).accept();

  made.receive('primus::ping::5');
  assert.deepEqual(made.sent, ['primus::pong::5']);
});

test('the latency is measured after open and at every ping, by asking for the id', () => {
  const made = makeClient().accept();

  assert.equal(made.client.latency, 0);
  assert.deepEqual(made.wire.sent, ['"primus::id::"']);
  made.clock.advance(12);
  made.receive('primus::id::abc');
  assert.equal(made.client.latency, 12);
  made.receive('primus::ping::1');
  assert.deepEqual(made.wire.sent.slice(1), ['"primus::pong::1"', '"primus::id::"']);
  made.clock.advance(20);
  made.receive('primus::id::abc');
  assert.equal(made.client.latency, 20);
  made.receive('primus::id::abc');
  assert.equal(made.client.latency, 20);
});

test('pings of a server that owes the id are answered once each, without asking again', () => {
  const made = makeClient().accept();

  made.receive('primus::ping::1');
  made.receive('primus::ping::2');
  assert.deepEqual(made.wire.sent, ['"primus::id::"', '"primus::pong::1"', '"primus::pong::2"']);
});

test('a client of a server that only listens speaks often enough, and wants an answer', () => {
  const made = makeClient({}, { pingTimeout: false, keepAlive: 25000 }).accept();
  const asked = () => made.wire.sent.filter((frame) => frame === '"primus::id::"').length;

  made.receive('primus::id::a');
  made.clock.advance(25000);
  assert.equal(asked(), 2);
  made.receive('primus::id::a');
  made.clock.advance(25000);
  assert.equal(asked(), 3);
  assert.deepEqual(names(made.log), ['open']);
  made.clock.advance(10000);
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'reconnect scheduled']);
});

test('id calls back, or resolves, whether it is asked before or after open', async () => {
  const made = makeClient();
  const seen = [];
  const early = made.client.id();

  made.client.on('incoming::id', (id) => seen.push(`event ${id}`));
  assert.equal(made.client.id((id) => seen.push(`call ${id}`)), made.client);
  made.accept();
  made.client.id((id) => seen.push(`again ${id}`));
  assert.equal(made.wire.sent.length, 1);
  made.receive('primus::id::abc');
  assert.equal(await early, 'abc');
  assert.deepEqual(seen, ['call abc', 'again abc', 'event abc']);

  const late = made.client.id();
  assert.equal(made.wire.sent.length, 2);
  made.receive('primus::id::abc');
  assert.equal(await late, 'abc');
});

test('id survives a lost connection, and is refused when the connection ends', async () => {
  const made = makeClient().accept();
  const asked = made.client.id();

  made.wire.onclose();
  made.clock.advance(500);
  made.wire.onopen();
  made.receive('primus::id::new');
  assert.equal(await asked, 'new');

  const never = made.client.id();
  made.client.id(() => assert.fail());
  made.client.end();
  await assert.rejects(never, /ended before/);
});

test('asking a client that has ended for its id fails, until it is opened anew', async () => {
  const made = makeClient().accept();
  const seen = [];

  made.client.end();
  await assert.rejects(made.client.id(), /has ended/);
  made.client.id((id) => seen.push(id)); // as in Node, a callback waits for the next connection
  made.client.open();
  made.accept();
  const asked = made.client.id();

  made.receive('primus::id::new');
  assert.deepEqual([await asked, seen], ['new', ['new']]);
});

test('the id is the one that the server tells, not the one that the wire has', async () => {
  const made = makeClient().accept();

  made.wire.link.id = 'the key of a session';
  const asked = made.client.id();

  made.receive('primus::id::told');
  assert.equal(await asked, 'told');
});

test('when the window goes offline the connection closes, and comes back with it', () => {
  const made = makeClient().accept();

  made.network.report('offline');
  made.network.report('offline');
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'end']);
  assert.equal(made.client.online, false);
  assert.deepEqual(made.clock.waiting, []);
  made.network.report('online');
  made.network.report('online');
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(names(made.log).slice(4),
    ['online', 'reconnect scheduled', 'reconnect', 'reconnected', 'open']);
});

test('going offline stops a reconnection until the window is online', () => {
  const made = makeClient().accept();

  made.wire.onclose();
  made.network.report('offline');
  made.clock.advance(1e6);
  assert.equal(made.wires.length, 1);
  made.network.report('online');
  made.clock.advance(500);
  assert.equal(made.wires.length, 2);
});

test('a transform that never goes on does not keep a client online', () => {
  const made = makeClient().accept();

  made.client.transform('outgoing', (packet, next) => next === null);
  made.client.write(1);
  made.network.report('offline');
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'end']);
});

test('without the strategy online only the event tells', () => {
  const made = makeClient({ strategy: 'disconnect' }).accept();

  made.network.report('offline');
  made.network.report('online');
  made.clock.advance(1e6);
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'end', 'online']);
});

test('a connection that the user ended stays ended when the window comes back', () => {
  const before = makeClient().accept();
  const meanwhile = makeClient().accept();
  const inside = makeClient().accept();

  before.client.end();
  before.network.report('offline');
  before.network.report('online');
  meanwhile.network.report('offline');
  meanwhile.client.end();
  meanwhile.network.report('online');
  inside.client.on('offline', inside.client.end);
  inside.network.report('offline');
  inside.network.report('online');
  for (const made of [before, meanwhile, inside]) {
    made.clock.advance(1e6);
    assert.equal(made.wires.length, 1);
    assert.equal(made.client.readyState, Primus.CLOSED);
  }
});

test('network: false ignores the window', () => {
  const made = makeClient({ network: false }).accept();

  made.network.report('offline');
  assert.deepEqual(names(made.log), ['open']);
});

test('a thread that was busy reads the pings that wait before it judges the server', () => {
  const made = makeClient({ pingTimeout: 1000 }).accept();

  made.clock.block(4500);
  assert.deepEqual(names(made.log), ['open']);
  made.receive('primus::ping::1');
  made.clock.advance(999);
  assert.deepEqual(names(made.log), ['open']);
  made.clock.advance(1);
  assert.deepEqual(names(made.log).slice(0, 2), ['open', 'offline']);
});

test('a thread that was busy gives up a silent server a second later', () => {
  const made = makeClient({ pingTimeout: 1000 }).accept();

  made.clock.block(4500);
  made.clock.advance(999);
  assert.deepEqual(names(made.log), ['open']);
  made.clock.advance(1);
  assert.deepEqual(names(made.log).slice(0, 2), ['open', 'offline']);
});

test('a pong that waits while the thread is busy counts', () => {
  const made = makeClient({ ping: 1000, pong: 200 }).accept();

  made.clock.advance(1000);
  made.clock.block(600);
  made.receive('primus::pong::1');
  made.clock.advance(900);
  assert.deepEqual(names(made.log), ['open']);
});

test('a plugin that sends what is emitted does not get the ping of the core', () => {
  const made = makeClient({ ping: 1000 }).accept();
  const seen = [];

  made.client.emit = (event) => seen.push(event);
  made.client.on('outgoing::ping', () => { throw new Error('a listener'); });
  made.clock.advance(1000);
  assert.deepEqual(seen, []);
  assert.equal(made.sent.length, 1);
  made.clock.advance(0);
  assert.deepEqual(made.clock.errors.map((error) => error.message), ['a listener']);
});

test('a pong that was not asked for measures nothing', () => {
  const made = makeClient({ ping: 100 }).accept();

  made.client.latency = 7;
  made.receive('primus::pong::1');
  assert.equal(made.client.latency, 7);
});

test('a clock that was set back makes no latency below zero', () => {
  const made = makeClient({ ping: 100 }).accept();

  made.clock.advance(100);
  made.client.latency = 7;
  made.receive('primus::pong::5000');
  assert.equal(made.client.latency, 0);
});

test('the answer with the id does not put off the next ping', () => {
  const made = makeClient({ ping: 100 }).accept();

  made.clock.advance(60);
  made.receive('primus::id::x');
  made.clock.advance(40);
  assert.deepEqual(made.sent, ['primus::ping::1100']);
});

test('a pong that an earlier connection owed ends no later one', () => {
  const made = makeClient({ ping: 1000, pong: 500, reconnect: { min: 10, max: 10 } }).accept();

  made.clock.advance(1000);
  made.wire.onclose({ code: 1006, clean: false });
  made.clock.advance(20);
  made.accept();
  made.clock.advance(600);
  assert.equal(made.client.readyState, Primus.OPEN);
  assert.equal(made.wires.length, 2);
});

test('a client that has ended has no timer left', () => {
  const made = makeClient({ ping: 100, pong: 50 }).accept();

  made.clock.advance(110);
  made.client.end();
  assert.deepEqual(made.clock.waiting, []);
});
