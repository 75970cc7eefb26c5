import assert from 'node:assert/strict';
import test from 'node:test';

import '../../../../packages/primus-core/src/primus/browser/js/stream.js';
import emit from '../../../primus-emit/src/primus_emit/emit.js';
import substream from '../../src/primus_substream/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

const CLOSED = 2;

function make(ark = { substream }) {
  const made = makeClient({}, { prototype: { ark } });
  const data = [];

  made.client.on('data', (message) => data.push(message));
  return { made, client: made.client, data };
}

function open(ark) {
  const all = make(ark);

  all.made.accept();
  return all;
}

function record(emitter, ...events) {
  const story = [];

  for (const event of events) emitter.on(event, (...args) => story.push([event, ...args]));
  return story;
}

test('messages go both ways, and are no data of the client', () => {
  const { made, client, data } = open();
  const chat = client.substream('chat');
  const story = record(chat, 'data');

  assert.equal(client.substream('chat'), chat);
  assert.equal(chat.write({ hello: null }), true);
  made.receive({ substream: 'chat', args: [1] });
  made.receive({ substream: 'chat', args: null });
  made.receive({ substream: 'chat' });
  assert.deepEqual(made.sent, [{ substream: 'chat', args: { hello: null } }]);
  assert.deepEqual(story, [['data', [1]], ['data', null], ['data', undefined]]);
  assert.deepEqual([data, chat.name, chat.stream], [[], 'chat', client]);
});

test('a stream ends once, and a write to it gives false', () => {
  const { made, client } = open();
  const ours = client.substream('ours');
  const theirs = client.substream('theirs');
  const stories = [ours, theirs].map((each) => record(each, 'readyStateChange', 'close', 'end'));

  ours.end('last');
  made.receive({ substream: 'theirs', args: 'substream::end' });
  for (const [index, each] of [ours, theirs].entries()) {
    each.end();
    assert.deepEqual(stories[index], [['readyStateChange', 'end'], ['close'], ['end']]);
    assert.deepEqual([each.write(1), each.readyState, each.stream], [false, CLOSED, null]);
  }
  assert.deepEqual(made.sent, [
    { substream: 'ours', args: 'last' }, { substream: 'ours', args: 'substream::end' }
  ]);
  assert.notEqual(client.substream('ours'), ours);
});

test('the end marker can be sent as a message', () => {
  const { made, client } = open();
  const chat = client.substream('chat');
  const story = record(chat, 'data', 'end');
  const packet = { substream: 'chat', args: 'substream::substream::end', escaped: true };

  chat.write('substream::end');
  assert.deepEqual(made.sent, [packet]);
  made.receive(packet);
  made.receive({ ...packet, escaped: 1 });
  assert.deepEqual(story, [['data', 'substream::end'], ['data', 'substream::substream::end']]);
});

test('what belongs to no stream is data', () => {
  const { made, client, data } = open();
  const messages = [
    null, 0, 'substream', [], {}, { substream: 5 }, { substream: 'none', args: 1 },
    { substream: { toString: null } }, { substream: '__proto__' }, { substream: 'gone', args: 1 }
  ];

  client.substream('gone').end();
  for (const message of messages) made.receive(message);
  assert.deepEqual(data, messages);
});

test('every value arrives as it came', () => {
  const { made, client } = open();
  const story = record(client.substream('chat'), 'data');
  const values = [null, 0, false, '', [], {}, [null], { substream: 'chat', args: 1 }, { emit: ['x'] }];

  for (const args of values) made.receive({ substream: 'chat', args });
  assert.deepEqual(story.map(([, value]) => value), values);
});

test('streams stay when the client reconnects, and end when it does', () => {
  const { made, client } = make();
  const chat = client.substream('chat');
  const story = record(chat, 'open', 'close', 'end', 'reconnected');

  chat.write('early');
  made.accept();
  assert.deepEqual(made.sent, [{ substream: 'chat', args: 'early' }]);
  made.wire.onclose();
  chat.write('while it is away');
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, [{ substream: 'chat', args: 'while it is away' }]);
  client.end();
  assert.deepEqual(story.map(([event]) => event), [
    'open', 'close', 'reconnected', 'open', 'close', 'end'
  ]);
  assert.equal(chat.write('late'), false);
  assert.equal(client.substream('late').write(1), false);
});

test('destroying the client ends its streams', () => {
  const { client } = make();
  const story = record(client.substream('chat'), 'end');

  client.destroy();
  assert.deepEqual(story, [['end']]);
});

test('an error is only heard while it is listened to', () => {
  const { client } = open();
  const chat = client.substream('chat');
  const heard = () => {};

  assert.equal(client.listenerCount('error'), 1);
  chat.on('error', heard);
  chat.on('error', heard);
  assert.equal(client.listenerCount('error'), 2);
  chat.off('error', heard);
  assert.equal(client.listenerCount('error'), 1);
  chat.once('error', heard);
  client.dispatch('error', new Error('once'));
  assert.equal(client.listenerCount('error'), 1);
  chat.on('error', heard);
  chat.end();
  assert.equal(client.listenerCount('error'), 1);
});

test('a message passes the transforms once, with the stream as this', async () => {
  const { made, client } = open();
  const chat = client.substream('chat');
  const story = record(chat, 'data', 'end');
  const seen = [];

  client.transform('outgoing', function outgoing(packet) {
    seen.push(this);
    packet.data = [packet.data];
  });
  client.transform('incoming', async function incoming(packet) {
    seen.push(this);
    [packet.data] = packet.data;
  });
  chat.write('hello');
  assert.deepEqual(made.sent, [{ substream: 'chat', args: ['hello'] }]);
  made.receive(made.sent[0]);
  made.receive({ substream: 'chat', args: 'substream::end' });
  await new Promise((resolve) => { setImmediate(resolve); });
  assert.deepEqual(story, [['data', 'hello'], ['end']]);
  assert.deepEqual(seen, [chat, chat]);
});

test('a transform that throws is an error of the stream, and else of the client', () => {
  const { made, client } = open();
  const chat = client.substream('chat');
  const ofClient = record(client, 'error');

  client.transform('incoming', () => { throw new Error('failed'); });
  made.receive({ substream: 'chat', args: 1 });
  assert.equal(ofClient.length, 1);
  const ofStream = record(chat, 'error');

  made.receive({ substream: 'chat', args: 1 });
  assert.deepEqual([ofClient.length, ofStream.length], [1, 1]);
});

test('a listener that throws disturbs no other', () => {
  const { made, client } = open();
  const chat = client.substream('chat');

  chat.on('data', () => { throw new Error('a listener'); });
  made.receive({ substream: 'chat', args: 1 });
  made.receive({ substream: 'chat', args: 2 });
  made.clock.advance(0);
  assert.equal(made.clock.errors.length, 2);
});

test('with emit beside it, an event in a stream is data of the stream', () => {
  for (const ark of [{ emit, substream }, { substream, emit }]) {
    const { made, client } = open(ark);
    const chat = client.substream('chat');
    const story = record(chat, 'data', 'news');
    const main = record(client, 'news');

    made.receive({ substream: 'chat', args: { emit: ['news', 1] } });
    chat.emit('news', 2);
    assert.deepEqual([story.map(([event]) => event), main, made.sent], [['data', 'news'], [], []]);
  }
});

test('a name is a text', () => {
  const { client } = open();

  for (const name of [undefined, null, 5]) assert.throws(() => client.substream(name), TypeError);
});

test('a listener that is added to a stream behind its end stays off the client', () => {
  const { client } = open();
  const chat = client.substream('chat');

  chat.end();
  const before = client.listenerCount('online');
  chat.on('online', () => {});
  assert.equal(client.listenerCount('online'), before);
});

test('only events of Primus come from the client to its streams', () => {
  const { client } = open();
  const story = record(client.substream('chat'), 'online', 'mine');

  client.emit('online');
  client.emit('mine');
  assert.deepEqual(story, [['online']]);
});
