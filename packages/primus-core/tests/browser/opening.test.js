import assert from 'node:assert/strict';
import test from 'node:test';

import { Primus } from '../../src/primus/browser/js/primus.js';
import { makeClient } from './fakes.js';

const names = (log) => log.filter((name) => name !== 'readyStateChange');

test('a client connects on the next turn and passes through the ready states', () => {
  const made = makeClient();
  const states = [made.client.readyState];

  made.client.on('readyStateChange', (name) => states.push(name, made.client.readyState));
  assert.equal(made.wires.length, 0);
  made.accept();

  assert.deepEqual(states, [Primus.CLOSED, 'opening', Primus.OPENING, 'open', Primus.OPEN]);
  assert.deepEqual(names(made.log), ['open']);
  assert.deepEqual([made.client.writable, made.client.readable], [true, true]);
});

test('the private events report what happens on the wire', () => {
  const made = makeClient();
  const seen = [];

  for (const event of ['outgoing::open', 'incoming::open', 'outgoing::end', 'incoming::end']) {
    made.client.on(event, (info) => seen.push(event + (info ? info.code : '')));
  }
  for (const event of ['incoming::data', 'outgoing::data']) {
    made.client.on(event, (frame) => seen.push(`${event} ${frame}`));
  }
  made.client.on('outgoing::url', (address) => { address.query += '&more=1'; });
  made.accept();
  assert.match(made.wire.uri({ protocol: 'ws:', query: true }),
    /^ws:\/\/example\.org:8080\/primus\?token=1&_primuscb=[\w.-]+&more=1$/);
  made.receive(1);
  made.client.write(2);
  made.wire.onclose({ code: 1006 });

  assert.deepEqual(seen, [
    'outgoing::open', 'incoming::open', 'outgoing::data "primus::id::"', 'incoming::data 1',
    'outgoing::data 2', 'incoming::end1006'
  ]);
});

test('a transformer gets the address in parts when it asks for an object', () => {
  const made = makeClient().accept();
  const address = made.wire.uri({ object: true, query: true });

  assert.equal(address.host, 'example.org:8080');
  assert.match(address.query, /^token=1&_primuscb=/);
  assert.equal('query' in made.wire.uri({ object: true }), false);
});

test('manual waits for open, and opening twice opens once', () => {
  const made = makeClient({ manual: true });

  made.clock.advance(60000);
  assert.equal(made.wires.length, 0);
  made.client.open().open();
  made.wire.onopen();
  made.client.open();
  assert.equal(made.wires.length, 1);
});

test('opening by hand before the automatic opening happens once', () => {
  const made = makeClient();

  made.client.open();
  made.clock.advance(0);
  assert.equal(made.wires.length, 1);
});

test('a server that does not answer is a timeout, after which the client tries again', () => {
  const made = makeClient({ timeout: 100 });

  made.clock.advance(100);
  assert.deepEqual(names(made.log), ['timeout', 'reconnect scheduled']);
  assert.equal(made.wire.hungUp, true);
  made.wire.onopen();
  assert.equal(made.client.readyState, Primus.CLOSED);
});

test('without the strategy a timeout is the end', () => {
  const made = makeClient({ timeout: 100, strategy: 'online' });

  made.clock.advance(100);
  assert.deepEqual(names(made.log), ['timeout', 'close', 'end']);
});

test('with a timeout of false an attempt that fails is followed by others, too', () => {
  const made = makeClient({ timeout: false });

  made.clock.advance(0);
  made.wire.onerror('refused');
  assert.deepEqual(names(made.log), ['error', 'reconnect scheduled']);
});

test('a timeout of false waits forever', () => {
  const made = makeClient({ timeout: false });

  made.clock.advance(1e9);
  assert.deepEqual(names(made.log), []);
});

test('a listener of the timeout may end the client', () => {
  const made = makeClient({ timeout: 100 });

  made.client.on('timeout', made.client.end);
  made.clock.advance(1e6);
  assert.deepEqual(names(made.log), ['timeout', 'close', 'end']);
});

test('a connection that fails emits error and tries again', () => {
  const made = makeClient();
  const errors = [];

  made.client.on('error', (error) => errors.push(error.message));
  made.clock.advance(0);
  made.wire.onerror({ message: 'refused' });
  made.wire.onclose({ code: 1006 });
  assert.deepEqual(errors, ['refused']);
  assert.deepEqual(names(made.log), ['error', 'reconnect scheduled']);
});

test('with authorization a connection that fails has ended', () => {
  const made = makeClient({}, { prototype: { authorization: true } });

  made.clock.advance(0);
  made.wire.onerror('refused');
  assert.deepEqual(names(made.log), ['error', 'close', 'end']);
  assert.deepEqual(made.clock.waiting, []);
});

test('a connection that closes before it opened has failed', () => {
  const made = makeClient({ strategy: false });

  made.clock.advance(0);
  made.wire.onclose();
  assert.deepEqual(names(made.log), ['error', 'close', 'end']);
});

test('a transformer that throws is a failed connection', () => {
  const made = makeClient({ strategy: false }, {
    connect() { throw new Error('bad address'); }
  });
  let message;

  made.client.on('error', (error) => { message = error.message; });
  made.clock.advance(0);
  assert.equal(message, 'bad address');
  assert.deepEqual(names(made.log), ['error', 'close', 'end']);
});

test('a critical error is thrown without a listener, and is not tried again', () => {
  const made = makeClient({}, {
    connect() { throw Object.assign(new Error('install ws'), { critical: true }); }
  });

  made.client.removeAllListeners('error');
  made.clock.advance(0);
  assert.deepEqual(made.clock.errors.map((error) => error.message), ['install ws']);
  assert.deepEqual(names(made.log), ['close', 'end']);
});

test('a critical error while reconnecting is not tried again either', () => {
  const made = makeClient().accept();

  made.client.compiled.connect = () => { throw Object.assign(new Error('gone'), { critical: true }); };
  made.wire.onclose();
  made.clock.advance(500);
  assert.deepEqual(names(made.log).slice(2),
    ['reconnect scheduled', 'reconnect', 'error', 'close', 'end']);
  assert.deepEqual(made.clock.waiting, []);
});

test('ending at the last moment before the transformer is done hangs up', () => {
  const made = makeClient({}, {
    connect(wire) {
      wire.primus.end();
      return { send() {}, close() { wire.hungUp = true; made.last = wire; } };
    }
  });

  made.clock.advance(0);
  assert.equal(made.last.hungUp, true);
  assert.deepEqual(names(made.log), ['close', 'end']);
});

test('a transformer that throws after the client was ended tells nothing more', () => {
  const made = makeClient({}, {
    connect(wire) {
      wire.primus.end();
      throw new Error('too late');
    }
  });

  made.clock.advance(0);
  assert.deepEqual(names(made.log), ['close', 'end']);
});

test('listeners that end the client on its way up stop it there', () => {
  for (const event of ['readyStateChange', 'incoming::open']) {
    const made = makeClient();

    made.client.once(event, () => made.client.end());
    made.clock.advance(0);
    if (made.wire) made.wire.onopen();
    assert.deepEqual(names(made.log), ['close', 'end'], event);
    assert.deepEqual(made.clock.waiting, [], event);
  }
});

test('what a listener throws is reported, and stops nothing', () => {
  const made = makeClient();

  made.client.on('open', () => { throw new Error('mine'); });
  made.accept();
  made.clock.advance(0);
  assert.deepEqual(made.clock.errors.map((error) => error.message), ['mine']);
  assert.equal(made.client.readyState, Primus.OPEN);
  assert.equal(made.wire.sent.length, 1);
});

test('an answer that waits while the thread is busy opens the connection', () => {
  const made = makeClient({ timeout: 1000 });

  made.clock.advance(0);
  made.clock.block(4500);
  made.wire.onopen();
  made.clock.advance(10000);
  assert.deepEqual(made.log.filter((name) => name !== 'readyStateChange'), ['open']);
});

test('a wire that opens or fails after it was given up does nothing to the next', () => {
  const made = makeClient({ timeout: 100, reconnect: { min: 10, max: 10 } });

  made.clock.advance(150);
  const [first, second] = made.wires;

  first.onopen();
  first.onmessage('1');
  first.onerror(new Error('late'));
  first.onclose({ code: 1006 });
  assert.equal(made.client.readyState, Primus.OPENING);
  second.onopen();
  assert.equal(made.client.readyState, Primus.OPEN);
  assert.equal(made.wires.length, 2);
});
