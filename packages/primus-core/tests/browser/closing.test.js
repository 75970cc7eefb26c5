import assert from 'node:assert/strict';
import test from 'node:test';

import { Primus } from '../../src/primus/browser/js/primus.js';
import { makeClient } from './fakes.js';

const names = (log) => log.filter((name) => name !== 'readyStateChange');

test('end closes, emits close and end once, and leaves no timer', () => {
  const made = makeClient().accept();

  made.client.end().end().end();
  made.wire.onclose();
  assert.deepEqual(made.log.slice(-3), ['readyStateChange', 'close', 'end']);
  assert.deepEqual(names(made.log), ['open', 'close', 'end']);
  assert.equal(made.wire.hungUp, true);
  assert.deepEqual(made.clock.waiting, []);
  assert.equal(made.client.writable, false);
});

test('end sends its data first', () => {
  const made = makeClient().accept();

  made.client.end({ bye: 1 });
  assert.deepEqual(made.sent, [{ bye: 1 }]);
});

test('end never overtakes what an asynchronous transform still holds', () => {
  const made = makeClient().accept();
  const nexts = [];

  made.client.transform('outgoing', (packet, next) => nexts.push(next));
  made.client.write(1);
  made.client.end(2);
  made.client.end();
  assert.deepEqual(names(made.log), ['open']);
  nexts[0]();
  nexts[1]();
  assert.deepEqual(made.sent, [1, 2]);
  assert.deepEqual(names(made.log), ['open', 'close', 'end']);
  assert.deepEqual(made.clock.waiting, []);
});

test('a transform that never goes on cannot keep the connection from ending', () => {
  const made = makeClient({ timeout: 5000 }).accept();

  made.client.transform('outgoing', (packet, next) => next === null);
  made.client.write(1);
  made.client.end();
  made.clock.advance(4999);
  assert.deepEqual(names(made.log), ['open']);
  made.clock.advance(1);
  assert.deepEqual(names(made.log), ['open', 'close', 'end']);
});

test('a client can be ended before it ever opened, and opened again', () => {
  const made = makeClient();

  made.client.end();
  assert.deepEqual(names(made.log), ['close', 'end']);
  made.clock.advance(1000);
  assert.equal(made.wires.length, 0);
  made.client.open();
  made.wire.onopen();
  assert.deepEqual(names(made.log), ['close', 'end', 'open']);
});

test('after primus::server::close the client stays closed', () => {
  const made = makeClient().accept();

  made.receive('last words');
  made.receive('primus::server::close');
  made.wire.onclose();
  made.clock.advance(1e6);
  assert.deepEqual(names(made.log), ['open', 'data', 'close', 'end']);
  assert.equal(made.wires.length, 1);
});

test('the reason to stay away is forgotten when the user opens again', () => {
  const made = makeClient().accept();

  made.receive('primus::server::close');
  made.wire.onclose();
  made.client.open();
  made.wire.onopen();
  made.wire.onclose();
  assert.equal(made.client.recovery.reconnecting(), true);
});

test('a connection of which the server has said that it closes is known as such', () => {
  const made = makeClient().accept();

  assert.equal(made.client.disconnect, false);
  made.receive('primus::server::close');
  assert.equal(made.client.disconnect, true);
  made.wire.onclose();
  assert.equal(made.client.disconnect, false);
});

test('a listener of close opens an ended client again, and no end is told', () => {
  const made = makeClient().accept();

  made.client.once('close', () => made.client.open());
  made.client.end();
  assert.deepEqual(names(made.log), ['open', 'close']);
  assert.equal(made.client.readyState, Primus.OPENING);
  made.wire.onopen();
  assert.deepEqual(names(made.log), ['open', 'close', 'open']);
  assert.equal(made.wires[0].hungUp, true);
});

test('a listener of close that ends a client which goes offline ends it once and for good', () => {
  const made = makeClient().accept();

  made.client.on('close', made.client.end);
  made.network.report('offline');
  made.network.report('online');
  made.clock.advance(1e6);
  assert.deepEqual(names(made.log), ['open', 'offline', 'close', 'end', 'online']);
});

test('ending while connecting waits for no transform, since nothing can be sent', () => {
  const made = makeClient();

  made.client.transform('outgoing', (packet, next) => next === null);
  made.client.write(1);
  made.clock.advance(0);
  made.client.end();
  assert.deepEqual(names(made.log), ['close', 'end']);
  assert.equal(made.wire.hungUp, true);
});

test('a connection lost while it ends has ended', () => {
  const made = makeClient().accept();

  made.client.transform('outgoing', (packet, next) => next === null);
  made.client.write(1);
  made.client.end();
  made.wire.onclose();
  assert.deepEqual(names(made.log), ['open', 'close', 'end']);
  assert.deepEqual(made.clock.waiting, []);
});

test('a lost connection comes back', () => {
  const made = makeClient().accept();

  made.wire.onclose();
  assert.deepEqual(names(made.log), ['open', 'close', 'reconnect scheduled']);
  assert.equal(made.client.readyState, Primus.CLOSED);
  made.clock.advance(500);
  assert.equal(made.client.readyState, Primus.OPENING);
  made.wire.onopen();
  assert.deepEqual(names(made.log).slice(3), ['reconnect', 'reconnected', 'open']);
  assert.equal(made.wires.length, 2);
  assert.equal(made.client.recovery.attempt, null);
});

test('without strategies a lost connection has ended', () => {
  const made = makeClient({ strategy: false }).accept();

  made.wire.onclose();
  assert.deepEqual(names(made.log), ['open', 'close', 'end']);
  assert.deepEqual(made.clock.waiting, []);
});

test('attempts that fail go on until the retries are used up, without error events', () => {
  const made = makeClient({ reconnect: { min: 10, max: 10, retries: 2 } }).accept();

  made.wire.onclose();
  for (let attempt = 0; attempt < 2; attempt += 1) {
    made.clock.advance(10);
    made.wire.onerror('refused');
    made.wire.onclose();
  }
  assert.deepEqual(names(made.log), [
    'open', 'close', 'reconnect scheduled', 'reconnect', 'reconnect scheduled', 'reconnect', 'end',
    'reconnect failed'
  ]);
  assert.deepEqual(made.clock.waiting, []);
});

test('an attempt that takes too long is given up', () => {
  const made = makeClient({ reconnect: { timeout: 50 } }).accept();

  made.wire.onclose();
  made.clock.advance(550);
  assert.deepEqual(names(made.log).slice(-2), ['reconnect timeout', 'reconnect scheduled']);
  assert.equal(made.wire.hungUp, true);
  assert.equal(made.client.readyState, Primus.CLOSED);
});

test('end stops a reconnection, whether it waits or tries', () => {
  const waiting = makeClient().accept();

  waiting.wire.onclose();
  waiting.client.end();
  assert.deepEqual(names(waiting.log).slice(-2), ['reconnect scheduled', 'end']);
  assert.deepEqual(waiting.clock.waiting, []);

  const trying = makeClient().accept();

  trying.wire.onclose();
  trying.clock.advance(500);
  trying.client.end();
  assert.deepEqual(names(trying.log).slice(-2), ['close', 'end']);
  assert.deepEqual(trying.clock.waiting, []);
  assert.equal(trying.wire.hungUp, true);
});

for (const event of ['close', 'reconnect scheduled', 'outgoing::reconnect', 'reconnect']) {
  test(`end in a listener of "${event}" is obeyed`, () => {
    const made = makeClient().accept();

    made.client.on(event, made.client.end);
    made.wire.onclose();
    made.clock.advance(1e6);
    assert.equal(names(made.log).filter((name) => name === 'end').length, 1);
    assert.equal(made.wires.length, 1);
    assert.deepEqual(made.clock.waiting, []);
  });
}

test('open instead of waiting for the next attempt connects at once', () => {
  const made = makeClient().accept();

  made.wire.onclose();
  made.client.open();
  made.wire.onopen();
  made.clock.advance(2000);
  assert.equal(made.wires.length, 2);
  assert.deepEqual(names(made.log), ['open', 'close', 'reconnect scheduled', 'open']);
});

test('an attempt that fails at once is told like any other', () => {
  const made = makeClient().accept();

  made.client.compiled.connect = () => { throw new Error('refused'); };
  made.wire.onclose();
  made.clock.advance(500);
  assert.deepEqual(names(made.log),
    ['open', 'close', 'reconnect scheduled', 'reconnect', 'reconnect scheduled']);
});

test('opening while an attempt is under way changes nothing', () => {
  const made = makeClient().accept();

  made.wire.onclose();
  made.clock.advance(500);
  made.client.open();
  made.wire.onopen();
  assert.equal(made.wires.length, 2);
  assert.deepEqual(names(made.log).slice(2), ['reconnect scheduled', 'reconnect', 'reconnected', 'open']);
});

test('what had arrived is delivered before the connection counts as lost', () => {
  const made = makeClient().accept();
  const nexts = [];

  made.client.transform('incoming', (packet, next) => nexts.push(next));
  made.receive(1);
  made.wire.onclose();
  assert.deepEqual(names(made.log), ['open']);
  made.client.write('meanwhile');
  nexts[0]();
  assert.deepEqual(names(made.log), ['open', 'data', 'close', 'reconnect scheduled']);
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, ['meanwhile']);
});

test('nothing is delivered after the user has ended the connection', () => {
  const made = makeClient().accept();

  made.client.on('data', made.client.end);
  made.receive(1);
  made.receive(2);
  assert.deepEqual(names(made.log), ['open', 'data', 'close', 'end']);
});

test('an error on an open connection does not close it', () => {
  const made = makeClient().accept();

  made.wire.onerror(new Error('hiccup'));
  assert.deepEqual(names(made.log), ['open', 'error']);
  assert.equal(made.client.readyState, Primus.OPEN);
});

test('destroy ends, tells, and lets go of everything', () => {
  const made = makeClient().accept();
  const { client, network, clock } = made;

  client.transform('outgoing', (packet, next) => next === null);
  client.write(1);
  assert.equal(client.destroy(), true);
  assert.deepEqual(names(made.log), ['open', 'close', 'end', 'destroy']);
  assert.deepEqual(clock.waiting, []);
  assert.deepEqual(network.listeners, {});
  assert.deepEqual(client.eventNames(), []);
  for (const name of ['url', 'socket', 'transport', 'transformers']) {
    assert.equal(client[name], null, name);
  }
});

test('a destroyed client keeps no message', () => {
  const made = makeClient({ manual: true });

  made.client.write(1);
  made.client.destroy();
  assert.deepEqual(made.client.buffer, []);
});

test('a client is writable until it is lost or ended, also while it tries to open', () => {
  const made = makeClient();
  const seen = [];
  const look = () => seen.push(made.client.writable && made.client.readable);

  made.clock.advance(0);
  made.wire.onerror('refused');
  look();
  made.clock.advance(500);
  made.wire.onopen();
  look();
  made.wire.onclose();
  look();
  made.clock.advance(500);
  made.wire.onopen();
  look();
  made.client.transform('outgoing', (packet, next) => next === null);
  made.client.write(1);
  made.client.end();
  look();
  made.client.destroy();
  made.client = makeClient().client;
  look();
  made.client.end();
  look();
  assert.deepEqual(seen, [true, true, false, true, false, true, false]);
});

test('a destroyed client is harmless, but cannot be opened', async () => {
  const { client } = makeClient();

  client.destroy();
  assert.equal(client.destroy(), false);
  assert.equal(client.write(1), false);
  assert.equal(client.end(), client);
  await assert.rejects(client.id(), /destroyed/);
  assert.throws(() => client.open(), /destroyed/);
});

test('destroy in a listener stops everything there', () => {
  for (const event of [
    'offline', 'close', 'end', 'readyStateChange', 'open', 'data', 'incoming::end', 'incoming::open',
    'outgoing::open'
  ]) {
    const made = makeClient();

    made.client.on(event, made.client.destroy);
    made.clock.advance(0);
    if (made.wire) made.wire.onopen();
    if (made.wire) made.receive(1);
    if (made.wire) made.wire.onclose();
    made.network.report('offline');
    made.clock.advance(1e6);
    assert.equal(made.client.destroyed, true, event);
    assert.deepEqual(made.clock.errors, [], event);
    assert.deepEqual(made.clock.waiting, [], event);
  }
});

test('a page that returns from the back/forward cache connects anew at once', () => {
  const made = makeClient({ network: false }).accept();

  made.network.report('pageshow', { persisted: true });
  assert.equal(made.wires[0].hungUp, true);
  assert.deepEqual(names(made.log), ['open', 'close', 'reconnect scheduled']);
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(names(made.log).slice(3), ['reconnect', 'reconnected', 'open']);
});

test('a page that goes into the back/forward cache leaves its server, and comes back', () => {
  const made = makeClient({ network: false }).accept();

  made.network.report('pagehide', { persisted: true });
  assert.equal(made.wires[0].hungUp, true);
  assert.deepEqual(names(made.log), ['open', 'close', 'reconnect scheduled']);
  made.network.report('pageshow', { persisted: true });
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(names(made.log).slice(3), ['reconnect', 'reconnected', 'open']);
  assert.equal(made.wires.length, 2);
});

test('a transform that outlasts its connection does not end the next one', () => {
  const made = makeClient({ timeout: 100 }).accept();
  const nexts = [];
  let lost = 0;

  made.client.on('incoming::end', () => { lost += 1; });
  made.client.transform('incoming', (packet, next) => nexts.push(next));
  made.receive(1);
  made.wire.onclose();
  made.network.report('pageshow', { persisted: true });
  assert.equal(lost, 1);
  made.clock.advance(100);
  assert.deepEqual(names(made.log), ['open', 'close', 'reconnect scheduled']);
  made.clock.advance(500);
  made.wire.onopen();
  nexts[0]();
  assert.deepEqual(names(made.log).slice(3), ['reconnect', 'reconnected', 'open', 'data']);
});

test('what an offline client no longer waits for does not end the next connection', () => {
  const made = makeClient({ timeout: 10000 }).accept();

  made.client.transform('incoming', (packet, next) => next === null);
  made.receive(1);
  made.wire.onclose();
  made.network.report('offline');
  assert.deepEqual(made.clock.waiting, []);
  made.network.report('online');
  made.clock.advance(500);
  made.wire.onopen();
  made.clock.advance(20000);
  assert.equal(made.client.readyState, Primus.OPEN);
});

test('a page that went into the cache while it connected tries again', () => {
  const made = makeClient();

  made.client.open();
  made.network.report('pageshow', { persisted: true });
  assert.equal(made.wires[0].hungUp, true);
  assert.deepEqual(names(made.log), ['error', 'reconnect scheduled']);
});

test('a page that returns without a connection is left alone', () => {
  const made = makeClient().accept();

  made.client.end();
  made.network.report('pageshow', { persisted: true });
  made.clock.advance(60000);
  assert.equal(made.wires.length, 1);
  made.client.destroy();
  assert.deepEqual(made.network.listeners, {});
});

test('what is written to a connection that has ended is refused, until it is opened again', () => {
  const made = makeClient({ manual: true });

  assert.equal(made.client.write('before the first open'), true);
  made.client.open();
  made.wire.onopen();
  made.client.on('close', () => assert.equal(made.client.write('in close'), false));
  made.client.end();
  assert.equal(made.client.write('ended'), false);
  assert.deepEqual(made.client.buffer, []);
  made.client.open();
  assert.equal(made.client.write('opened again'), true);
  made.wire.onopen();
  assert.deepEqual(made.sent, ['opened again']);
});

test('what is written behind end is refused while the end waits for a transform', async () => {
  const made = makeClient().accept();

  made.client.transform('outgoing', (packet, next) => { made.next = next; });
  made.client.write(1);
  made.client.end();
  assert.equal(made.client.write(2), false);
  made.next();
  assert.deepEqual(made.sent, [1]);
});

test('after the last attempt nothing more is kept', () => {
  const made = makeClient({ reconnect: { retries: 1 } }).accept();

  made.wire.onclose();
  assert.equal(made.client.write('kept'), true);
  made.clock.advance(500);
  made.wire.onerror(new Error('refused'));
  assert.equal(made.log[made.log.length - 1], 'reconnect failed');
  assert.equal(made.client.write('refused'), false);
  assert.deepEqual(made.client.buffer, ['kept']);
});

test('what is written while the network is away is kept', () => {
  const made = makeClient().accept();

  made.client.on('close', () => assert.equal(made.client.write('in close'), true));
  made.network.report('offline');
  assert.equal(made.client.write('offline'), true);
  made.network.report('online');
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, ['in close', 'offline']);
});
