import assert from 'node:assert/strict';
import test from 'node:test';

import '../../../../packages/primus-core/src/primus/browser/js/stream.js';
import emit from '../../../primus-emit/src/primus_emit/emit.js';
import emitter from '../../../primus-emit/src/primus_emit/emitter.js';
import substream from '../../../primus-substream/src/primus_substream/client.js';
import multiplex from '../../src/primus_multiplex/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

const CLOSED = 2;

function make(ark = { multiplex }, options = {}) {
  const made = makeClient(options, { prototype: { ark } });
  const data = [];

  // Ids that differ, and that tests can foresee.
  made.client.clock.random = () => { made.clock.luck = (made.clock.luck + 0.37) % 1; return made.clock.luck; };
  made.client.on('data', (message) => data.push(message));
  return { made, client: made.client, data };
}

function open(ark, options) {
  const all = make(ark, options);

  all.made.accept();
  return all;
}

function reconnect(made) {
  made.wire.onclose();
  made.clock.advance(1000);
  made.wire.onopen();
}

function record(on, ...events) {
  const story = [];

  for (const event of events) on.on(event, (...args) => story.push([event, ...args]));
  return story;
}

test('each call is a subscription of its own, with an id of thirteen letters', () => {
  const { made, client } = open();
  const [one, two] = [client.channel('news'), client.channel('news')];

  assert.notEqual(one.id, two.id);
  assert.match(one.id, /^[0-9a-z]{13}$/);
  assert.deepEqual([one.name, one.channel, one.conn], ['news', 'news', client]);
  assert.deepEqual(made.sent, [[1, one.id, 'news'], [1, two.id, 'news']]);
  assert.equal(client.channel(''), client);
  assert.equal(client.channel(), client);
  assert.throws(() => client.channel(5), TypeError);
});

test('messages go both ways, and are no data of the client', () => {
  const { made, client, data } = open();
  const [one, two] = [client.channel('news'), client.channel('news')];
  const story = record(one, 'data');
  const others = record(two, 'data');

  made.wire.sent.length = 0;
  for (const value of [{ a: 1 }, 0, '', false, null, undefined]) assert.equal(one.write(value), true);
  for (const rest of [[[1]], [null], [0], []]) made.receive([0, one.id, 'news', ...rest]);
  assert.deepEqual(made.sent, [
    [0, one.id, 'news', { a: 1 }], [0, one.id, 'news', 0], [0, one.id, 'news', ''],
    [0, one.id, 'news', false], [0, one.id, 'news'], [0, one.id, 'news']
  ]);
  assert.deepEqual(story.map(([, value]) => value), [[1], null, 0, undefined]);
  assert.deepEqual([others, data], [[], []]);
});

test('both sides can end a subscription once', () => {
  const { made, client } = open();
  const [ours, theirs] = [client.channel('news'), client.channel('news')];
  const stories = [ours, theirs].map((each) => record(each, 'error', 'close', 'end'));

  made.wire.sent.length = 0;
  ours.end('last');
  // A server of Node says it twice, and repeats ours.
  for (const id of [theirs.id, theirs.id, ours.id]) made.receive([2, id, 'news']);
  for (const [index, each] of [ours, theirs].entries()) {
    each.end();
    assert.deepEqual(stories[index], [['close'], ['end']]);
    assert.deepEqual([each.write(1), each.readyState], [false, CLOSED]);
  }
  assert.deepEqual(made.sent, [[0, ours.id, 'news', 'last'], [2, ours.id, 'news']]);
});

test('a refused subscription ends with an error that can be read', () => {
  const { made, client } = open();
  const channel = client.channel('news');
  const story = record(channel, 'error', 'close', 'end');

  made.receive([2, channel.id, 'news', { error: 'a token, please' }]);
  assert.deepEqual(story.map(([event]) => event), ['error', 'close', 'end']);
  assert.equal(channel.error.name, 'ChannelRefused');
  assert.equal(channel.error.message, '"news": a token, please');
  for (const reason of [null, 'text', 5, {}, { error: 5 }, []]) {
    const other = client.channel('news');
    const events = record(other, 'error', 'end');

    made.receive([2, other.id, 'news', reason]);
    assert.deepEqual([events, other.error], [[['end']], null]);
  }
});

test('what belongs to no subscription is ignored, what is no packet is data', () => {
  const { made, client, data } = open();
  const channel = client.channel('news');
  const story = record(channel, 'data', 'end');
  const strangers = [
    null, 0, 'x', [], {}, [0], [0, 'x'], [0, 'x', 'y', 1, 2], ['0', 'x', 'y'], [true, 'x', 'y'],
    [3, 'x', 'y'], [0, 1, 'y'], [0, 'x', null], [0, '', 'y'], [0, 'x', ''], [0, { toString: null }, 'y'],
    { 0: 0, 1: channel.id, 2: 'news', length: 3 }
  ];

  for (const packet of [
    [0, 'other', 'news', 1], [0, channel.id, '__proto__', 1], [2, channel.id, 'other'],
    [1, channel.id, 'news'], [0, '__proto__', 'constructor', 1]
  ]) made.receive(packet);
  for (const stranger of strangers) made.receive(stranger);
  assert.deepEqual([data, story], [strangers, []]);
});

test('every value in every place raises nothing', () => {
  const { made, client } = open({ emitter, multiplex });
  const channel = client.channel('news');
  const errors = [record(client, 'error'), record(channel, 'error')];
  const values = [null, 0, -1, 1.5, true, '', 'x', [], {}, [null], { type: 0, data: [null] },
    { type: 1, data: [], id: null }, { emit: null }, { __proto__: null }];

  for (const value of values) {
    for (const place of [0, 1, 2, 3]) {
      const packet = [0, channel.id, 'news', value];

      packet[place] = value;
      made.receive(packet);
    }
  }
  made.clock.advance(0);
  assert.deepEqual([errors, made.clock.errors], [[[], []], []]);
});

test('subscriptions come back with the same id, before what was written meanwhile', () => {
  const { made, client } = make();
  const channel = client.channel('news');
  const story = record(channel, 'open', 'close', 'end', 'reconnected');

  channel.write('early');
  made.accept();
  assert.deepEqual(made.sent, [[1, channel.id, 'news'], [0, channel.id, 'news', 'early']]);
  made.wire.onclose();
  channel.write('while it is away');
  const late = client.channel('late');

  made.clock.advance(1000);
  made.wire.onopen();
  assert.deepEqual(made.sent, [
    [1, channel.id, 'news'], [0, channel.id, 'news', 'while it is away'], [1, late.id, 'late']
  ]);
  late.end();
  reconnect(made);
  assert.deepEqual(made.sent, [[1, channel.id, 'news']]);
  client.end();
  assert.deepEqual(story.map(([event]) => event), [
    'open', 'close', 'reconnected', 'open', 'close', 'reconnected', 'open', 'close', 'end'
  ]);
  assert.equal(client.channel('after').write(1), false);
});

test('subscriptions that have ended with the client do not come back', () => {
  const { made, client } = open();
  const channel = client.channel('news');

  made.network.report('offline');
  assert.equal(channel.destroyed, true);
  made.network.report('online');
  made.clock.advance(1000);
  made.wire.onopen();
  client.write('hello');
  assert.deepEqual(made.sent, ['hello']);
});

test('they come back although a short queue has dropped them', () => {
  const { made, client } = open({ multiplex }, { queueSize: 1 });
  const channel = client.channel('news');

  made.wire.onclose();
  channel.write(1);
  channel.write(2);
  made.clock.advance(1000);
  made.wire.onopen();
  assert.deepEqual(made.sent.pop(), [1, channel.id, 'news']);
});

test('packets are seen as transforms leave them, also by later ones', () => {
  const { made, client } = open();
  const channel = client.channel('news');
  const story = record(channel, 'data');

  client.transform('incoming', (packet) => { packet.data = packet.data.wrapped; });
  made.receive({ wrapped: [0, channel.id, 'news', 1] });
  assert.deepEqual(story, [['data', 1]]);
});

test('with emitter, events and acknowledgements stay within the channel', async () => {
  for (const ark of [{ emitter, multiplex }, { multiplex, emitter }]) {
    const { made, client, data } = open(ark);
    const channel = client.channel('news');
    const main = record(client, 'sum');
    const story = record(channel, 'data');

    made.wire.sent.length = 0;
    channel.on('sum', (a, b) => a + b);
    assert.equal(channel.send('hello', null), channel);
    const answer = channel.ask('name?');

    client.send('hello', () => {});
    made.receive([0, channel.id, 'news', { type: 0, data: ['sum', 2, 3], id: 1 }]);
    made.receive([0, channel.id, 'news', { type: 1, data: ['me'], id: 1 }]);
    made.receive([0, channel.id, 'news', { type: 2 }]);
    assert.equal(await answer, 'me');
    assert.deepEqual(made.sent, [
      [0, channel.id, 'news', { type: 0, data: ['hello', null] }],
      [0, channel.id, 'news', { type: 0, data: ['name?'], id: 1, fails: true }],
      { type: 0, data: ['hello'], id: 1 },
      [0, channel.id, 'news', { id: 1, type: 1, data: [5] }]
    ]);
    assert.deepEqual([main, data, story], [[], [], [['data', { type: 2 }]]]);
  }
});

test('an ask fails when its subscription or the connection goes', async () => {
  for (const go of [
    (made, channel) => channel.end(),
    (made, channel) => made.receive([2, channel.id, 'news']),
    (made) => made.wire.onclose(),
    (made) => made.client.destroy()
  ]) {
    const { made, client } = open({ emitter, multiplex });
    const channel = client.channel('news');
    const answer = channel.ask('name?');

    go(made, channel);
    await assert.rejects(answer, { name: 'AckLost' });
    if (channel.ended) await assert.rejects(channel.ask('late'), { name: 'AckLost' });
  }
});

test('with emit beside it, an event in a channel is data of the channel', () => {
  for (const ark of [{ emit, multiplex }, { multiplex, emit }]) {
    const { made, client } = open(ark);
    const channel = client.channel('news');
    const story = record(channel, 'data', 'news');
    const main = record(client, 'news');

    made.receive([0, channel.id, 'news', { emit: ['news', 1] }]);
    channel.emit('news', 2);
    assert.deepEqual([story.map(([event]) => event), main], [['data', 'news'], []]);
  }
});

test('ending or destroying the client leaves no listener and no timer', () => {
  for (const end of ['end', 'destroy']) {
    const { made, client } = open({ emitter, multiplex });
    const channel = client.channel('news');
    const before = client.listenerCount('error');

    channel.on('error', () => {});
    channel.ask('x').catch(() => {});
    client[end]();
    assert.equal(channel.listenerCount('end'), 0);
    if (end === 'end') assert.equal(client.listenerCount('error'), before);
    client.destroy();
    assert.deepEqual(made.clock.waiting, []);
  }
});

test('a message of a stream that looks like a packet stays a message', () => {
  const { made, client } = open({ multiplex, substream });
  const seen = [];

  client.substream('chat').on('data', (message) => seen.push(message));
  made.receive({ substream: 'chat', args: [0, 'one', 'news', 1] });
  assert.deepEqual(seen, [[0, 'one', 'news', 1]]);
});
