import assert from 'node:assert/strict';
import test from 'node:test';

import resource from '../../src/primus_resource/client.js';
import '../../../../packages/primus-core/src/primus/browser/js/stream.js';
import multiplex from '../../../primus-multiplex/src/primus_multiplex/client.js';
import emitter from '../../../primus-emit/src/primus_emit/emitter.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

/** A client with the plugins in use, open unless it is told otherwise. */
function make(options, { open = true, ark = { emitter, resource } } = {}) {
  const made = makeClient(options, { prototype: { ark } });
  const data = [];

  made.client.on('data', (message) => data.push(message));
  if (open) made.accept();
  return { made, client: made.client, data };
}

const ready = (methods, name = 'creature') => ({ type: 0, data: [`${name}::ready`, methods] });
const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test('methods are there once the resource is ready, and are promises', async () => {
  const { made, client, data } = make();
  const creature = client.resource('creature', false);

  assert.equal(client.resource('creature', false), creature);
  assert.equal(creature.walk, undefined);
  made.receive(ready(['walk', 'Sleep']));
  assert.deepEqual(await creature.ready(), ['walk', 'Sleep']);
  assert.deepEqual(await creature.ready, ['walk', 'Sleep']);
  const answer = creature.walk('far', null);

  assert.deepEqual(made.sent, [
    { type: 0, data: ['creature::walk', 'far', null], id: 1, fails: true }
  ]);
  made.receive({ type: 1, id: 1, data: ['walked'] });
  assert.equal(await answer, 'walked');
  assert.deepEqual(data, []);
});

test('a callback gets the answer, as in Node', () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);
  const heard = [];

  made.receive(ready(['walk']));
  assert.equal(creature.walk(1, (...answer) => heard.push(answer)), creature);
  assert.deepEqual(made.sent, [{ type: 0, data: ['creature::walk', 1], id: 1 }]);
  made.receive({ type: 1, id: 1, data: ['a', 'b'] });
  assert.deepEqual(heard, [['a', 'b']]);
});

test('ready is an event of every connection, also for a resource that is asked for later', () => {
  const { made, client } = make();

  made.receive(ready(['walk']));
  const creature = client.resource('creature', false);
  const heard = [];
  const forget = () => assert.fail('it was removed');

  creature.on('ready', forget).off('ready', forget);
  assert.equal(typeof creature.walk, 'function');
  creature.once('ready', (...args) => heard.push(['once', ...args]));
  creature.on('ready', (...args) => heard.push(args));
  made.receive(ready(['walk']));
  made.wire.onclose();
  made.clock.advance(500);
  made.wire.onopen();
  made.receive(ready(['walk', 'run']));
  assert.deepEqual(heard, [
    ['once', 'creature', ['walk']], ['creature', ['walk']], ['creature', ['walk', 'run']]
  ]);
  assert.equal(typeof creature.run, 'function');
});

test('methods that a server has no longer are gone, and what the page has put in their place is not', () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);
  const own = () => {};

  made.receive(ready(['walk', 'run', 'sleep']));
  creature.run = own;
  made.wire.onclose();
  made.clock.advance(500);
  made.wire.onopen();
  made.receive(ready(['walk', 'fly']));
  assert.deepEqual([creature.sleep, creature.run], [undefined, own]);
  assert.deepEqual([typeof creature.walk, typeof creature.fly], ['function', 'function']);
});

test('what is broadcast is an event of the resource', () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);
  const heard = [];
  const bark = (...args) => heard.push(args);

  creature.on('bark', bark).once('bark', () => heard.push('once'));
  made.receive({ type: 0, data: ['creature::bark', 1, null] });
  creature.off('bark', bark);
  made.receive({ type: 0, data: ['creature::bark', 2] });
  assert.deepEqual(heard, [[1, null], 'once']);
});

test('a failure rejects the promise, and harms no caller that does not look', async () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);

  made.receive(ready(['walk']));
  creature.walk('not looked at');
  const looked = creature.walk('looked at');

  for (const id of [1, 2]) made.receive({ type: 1, id, data: [], error: 'the listener failed' });
  await assert.rejects(looked, { name: 'AckFailed', message: 'the listener failed' });
  await settled();
});

test('a server can name no method that replaces what a resource has', async () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);
  const before = { ...creature };

  made.receive(ready(['on', 'ready', 'call', 'toString', '__proto__', 'constructor', 'then', 5, null]));
  for (const name of ['on', 'ready', 'call', 'off', 'once']) assert.equal(creature[name], before[name]);
  assert.equal(creature.toString, Object.prototype.toString);
  assert.equal(Object.getPrototypeOf(creature), Object.prototype);
  assert.equal(creature.then, undefined);
  await settled();
});

test('whatever a server announces, nothing is raised', () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);

  for (const value of [undefined, null, 0, '', 'abc', true, {}, [], [null], [{}], [[]], ['walk']]) {
    made.receive(ready(value));
    made.receive(ready(value, ''));
    made.receive({ type: 0, data: [value, 'creature::ready'] });
  }
  made.receive(ready(Array.from({ length: 5000 }, (_, index) => `m${index}`)));
  assert.equal(creature.methods.length, 1024);
});

test('a server that announces without end is not listened to', () => {
  const { made, client } = make({ resource: { names: 3 } });

  for (const name of ['a', 'b', 'c', 'd']) made.receive(ready(['1', '2', '3', '4'], name));
  assert.deepEqual(client.resource('c', false).methods, ['1', '2', '3']);
  assert.deepEqual(client.resource('d', false).methods, []);
});

test('long names that a server announces without end are not kept', () => {
  const { made, client } = make();

  for (let index = 0; index < 20; index += 1) made.receive(ready(['x'.repeat(100000)], `r${index}`));
  made.receive(ready(['short'], 'r0'));
  made.receive(ready(['add'], 'last'));

  assert.equal(client.resource('r9', false).methods.length, 1);
  assert.deepEqual(client.resource('r15', false).methods, []);
  assert.deepEqual(client.resource('r0', false).methods, ['short']);
  assert.deepEqual(client.resource('last', false).methods, ['add']);
});

test('waiting for a resource ends with the connection', async () => {
  for (const end of ['end', 'destroy']) {
    const { client } = make();
    const waiting = client.resource('creature', false).ready();

    client[end]();
    await assert.rejects(waiting, { name: 'ResourceLost' });
  }
});

test('a plugin that is missing is named', () => {
  assert.throws(() => make({}, { ark: { resource } }).client.resource('creature', false), /emitter/);
  assert.throws(() => make().client.resource('creature'), /multiplex/);
});

test('over multiplex a resource is a channel', async () => {
  const calls = [];
  const listeners = {};
  const channel = {
    on: (event, fn) => { listeners[event] = fn; },
    ask: (...args) => {
      calls.push(args);
      return Promise.resolve('walked');
    },
    send: (...args) => calls.push(args)
  };
  const { client } = make();

  client.channel = (name) => {
    calls.push([name]);
    return channel;
  };
  const creature = client.resource('creature');

  listeners.ready(['walk']);
  assert.equal(await creature.walk(1), 'walked');
  creature.on('bark', () => {});
  assert.deepEqual(calls, [['creature'], ['walk', 1]]);
  assert.deepEqual(Object.keys(listeners), ['ready', 'end', 'bark']);
});

test('once its channel has ended a resource is lost, and the next one is another', async () => {
  for (const end of ['the server', 'the client']) {
    const { made, client } = make({}, { ark: { emitter, multiplex, resource } });
    const first = client.resource('creature');
    const [[, id]] = made.sent;
    const waiting = first.ready();

    assert.equal(client.resource('creature'), first);
    if (end === 'the server') made.receive([2, id, 'creature', { error: 'refused' }]);
    else {
      client.end();
      client.open();
      made.wire.onopen();
    }
    await assert.rejects(waiting, { name: 'ResourceLost' });
    await assert.rejects(first.ready(), { name: 'ResourceLost' });
    const second = client.resource('creature');
    const [, channel] = made.sent[made.sent.length - 1];

    made.receive([0, channel, 'creature', { type: 0, data: ['ready', ['walk']] }]);
    assert.deepEqual(await second.ready(), ['walk']);
    assert.equal(client.resource('creature'), second);
  }
});

test('waiting for a resource of a client that has ended fails at once, until it is opened anew', async () => {
  const { made, client } = make();
  const creature = client.resource('creature', false);

  client.end();
  await assert.rejects(creature.ready(), { name: 'ResourceLost' });
  client.open();
  const waiting = creature.ready();

  made.wire.onopen();
  made.receive(ready(['walk']));
  assert.deepEqual(await waiting, ['walk']);
  client.destroy();
  await assert.rejects(client.resource('another', false).ready(), { name: 'ResourceLost' });
});
