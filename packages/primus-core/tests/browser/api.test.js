import assert from 'node:assert/strict';
import test from 'node:test';

import { Primus } from '../../src/primus/browser/js/primus.js';
import { makeClient } from './fakes.js';

test('a client is made with new, without it, by connect and by a subclass', () => {
  class Mine extends Primus {
    hello() {
      return 'hello';
    }
  }
  const options = { manual: true };
  // eslint-disable-next-line new-cap
  const clients = [new Primus('http://a', options), Primus('http://a', options),
    Primus.connect('http://a', options), new Mine('http://a', options)];

  for (const client of clients) {
    assert.ok(client instanceof Primus);
    assert.ok(client instanceof Primus.EventEmitter);
    assert.equal(client.url.host, 'a');
  }
  assert.equal(clients[0].constructor, Primus);
  assert.equal(clients[3].hello(), 'hello');
});

test('the URL may be left out, or be among the options', () => {
  assert.equal(new Primus({ url: 'http://a', manual: true }).url.host, 'a');
  assert.equal(new Primus({ uri: 'http://b', manual: true }).url.host, 'b');
  assert.equal(new Primus(null, { manual: true }).url.host, '127.0.0.1');
});

test('a URL that cannot be connected to is an error at once', () => {
  assert.throws(() => new Primus('http://', { manual: true }), /"http:\/\/" is not a URL/);
});

test('the ready states are those of Primus', () => {
  assert.deepEqual([Primus.OPENING, Primus.CLOSED, Primus.OPEN], [1, 2, 3]);
});

test('reserved knows the events of Primus, and no members of Object', () => {
  const { client } = makeClient();

  for (const event of ['open', 'reconnect scheduled', 'incoming::x', 'outgoing::data', 'end']) {
    assert.equal(client.reserved(event), true, event);
  }
  for (const event of ['toString', '__proto__', 'hello', 'connection']) {
    assert.equal(client.reserved(event), false, event);
  }
});

test('emits gives a function that emits', () => {
  const { client } = makeClient();
  const seen = [];

  client.on('x', (...args) => seen.push(args)).on('error', (error) => seen.push(error.message));
  client.emits('x')(1, 2);
  client.emits('x', 'fixed')(1);
  client.emits('x', (next, value) => next(null, value * 2))(2);
  client.emits('x', (next, value) => next(null, [value, 'list']))(3);
  client.emits('x', (next) => next(null, null))(4);
  client.emits('x', (next) => next())(5);
  client.emits('x', (next) => next(new Error('no')))(6);
  assert.deepEqual(seen, [[1, 2], ['fixed', 1], [4], [3, 'list'], [], [5], 'no']);
});

test('plugins run last in the constructor, with the client and its options', () => {
  const seen = [];
  const ark = {
    first(socket, options) {
      seen.push([this === socket, socket instanceof Primus, options.mine, socket.readyState]);
    }
  };
  const { client } = makeClient({ mine: 5 }, { prototype: { ark } });

  assert.deepEqual(seen, [[true, true, 5, Primus.CLOSED]]);
  assert.equal(client.plugin('first'), ark.first);
  assert.deepEqual(client.plugin(), ark);
  assert.equal(client.plugin('second'), undefined);
});

test('a method that was taken off its client says so', () => {
  const stranger = new Primus.EventEmitter();
  const { client } = makeClient();
  const errors = [];

  for (const method of ['open', 'write', 'end', 'id', 'transform', 'plugin']) {
    assert.throws(() => client[method].call(stranger), new RegExp(`Primus#${method}'s context`));
    assert.throws(() => client[method].call(undefined), /context/);
  }
  stranger.on('error', (error) => errors.push(error.message));
  assert.throws(() => client.write.call(stranger, 1));
  assert.equal(errors.length, 1);
});

test('websockets: false asks the transformer to avoid WebSockets', () => {
  const avoiding = makeClient({ websockets: false }).accept();
  const using = makeClient({ websockets: true }).accept();

  assert.equal(avoiding.wire.avoidWebSockets, true);
  assert.equal(using.wire.avoidWebSockets, false);
});

test('a wire shows the transformer the client, its options and its library', () => {
  const made = makeClient({ transport: { ca: 'x' } }, { library: 'lib' }).accept();
  const { wire, client } = made;

  assert.equal(wire.primus, client);
  assert.equal(wire.Primus, made.Client);
  assert.equal(wire.library, 'lib');
  assert.deepEqual(wire.transport, { ca: 'x' });
  assert.equal(wire.url, client.url);
  assert.equal(wire.options, client.options);
});

test('the socket is what the transformer shows, else its link', () => {
  const shown = makeClient({}, {
    connect: () => ({ socket: 'native', send() {}, close() {} })
  });

  shown.clock.advance(0);
  assert.equal(shown.client.socket, 'native');
  const made = makeClient().accept();
  assert.equal(made.client.socket, made.wire.link);
});

test('a wire that is closed says nothing more', () => {
  const made = makeClient().accept();
  const old = made.wire;

  made.client.end();
  const before = made.log.length;

  old.onmessage('"late"');
  old.onerror('late');
  old.onclose();
  old.onopen();
  old.close();
  assert.equal(made.log.length, before);
});
