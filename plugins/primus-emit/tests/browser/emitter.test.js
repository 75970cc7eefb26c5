import assert from 'node:assert/strict';
import test from 'node:test';

import emit from '../../src/primus_emit/emit.js';
import emitter from '../../src/primus_emit/emitter.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

/** A client with the plugin in use. */
function make(options, ark = { emitter }) {
  const made = makeClient(options, { prototype: { ark } });
  const data = [];

  made.client.on('data', (message) => data.push(message));
  return { made, client: made.client, clock: made.clock, data };
}

function open(options, ark) {
  const all = make(options, ark);

  all.made.accept();
  return all;
}

/** Loses the connection, and lets the next one be open. */
function reconnect(made) {
  made.wire.onclose();
  made.clock.advance(500);
  made.wire.onopen();
}

test('an event is sent, and emit stays here', () => {
  const { made, client } = open();
  const heard = [];

  client.on('news', (value) => heard.push(value));
  assert.equal(client.send('news', 'hello', null), client);
  client.emit('news', 1);
  assert.deepEqual(made.sent, [{ type: 0, data: ['news', 'hello', null] }]);
  assert.deepEqual(heard, [1]);
});

test('a callback asks for an acknowledgement by ids from one, and gets it once', () => {
  const { made, client, clock, data } = open();
  const answers = [];

  client.send('vote', 'yes?', (...args) => answers.push(args));
  client.send('vote', (...args) => answers.push(args));
  assert.deepEqual(made.sent, [
    { type: 0, data: ['vote', 'yes?'], id: 1 },
    { type: 0, data: ['vote'], id: 2 }
  ]);
  made.receive({ id: 2, type: 1, data: [] });
  made.receive({ id: 1, type: 1, data: ['yes', null] });
  made.receive({ id: 1, type: 1, data: ['again'] });
  assert.deepEqual(answers, [[], ['yes', null]]);
  assert.deepEqual(data, []);
  clock.advance(60000);
  assert.equal(answers.length, 2);
});

test('ask is a promise of what was acknowledged', async () => {
  const { made, client } = open();
  const answers = [client.ask('vote', 1), client.ask('vote', 2), client.ask('vote', 3)];

  made.receive({ id: 1, type: 1, data: [] });
  made.receive({ id: 2, type: 1, data: ['yes'] });
  made.receive({ id: 3, type: 1, data: ['yes', 'no'] });
  assert.deepEqual(await Promise.all(answers), [undefined, 'yes', ['yes', 'no']]);
});

test('ask gives up after the timeout', async () => {
  const { made, client, clock } = open({ emitter: { timeout: 5000 } });
  const answer = client.ask('vote');

  clock.advance(5000);
  await assert.rejects(answer, { name: 'AckTimeout', message: '"vote" was not acknowledged in time' });
  made.receive({ id: 1, type: 1, data: ['too late'] });
});

test('an acknowledgement that waits while the thread is busy is in time', async () => {
  const { made, client, clock } = open({ emitter: { timeout: 5000 } });
  const answer = client.ask('vote');

  clock.block(6000);
  made.receive({ id: 1, type: 1, data: ['yes'] });
  assert.equal(await answer, 'yes');
});

test('without a timeout an acknowledgement may take for ever', async () => {
  const { made, client, clock } = open({ emitter: { timeout: false }, pingTimeout: false });
  const answer = client.ask('vote');

  clock.advance(1e9);
  made.receive({ id: 1, type: 1, data: ['late'] });
  assert.equal(await answer, 'late');
});

test('ask fails when the connection goes that it was sent over', async () => {
  const { made, client, clock } = make();
  const early = client.ask('vote');

  made.accept();
  const answer = client.ask('vote');

  made.wire.onclose();
  await assert.rejects(early, { name: 'AckLost' });
  await assert.rejects(answer, {
    name: 'AckLost', message: 'The connection went before "vote" was acknowledged'
  });
  const next = client.ask('vote');

  clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, [{ type: 0, data: ['vote'], id: 3, fails: true }]);
  made.receive({ id: 3, type: 1, data: ['yes'] });
  assert.equal(await next, 'yes');
});

test('what is kept while the machine is offline is answered later', async () => {
  const { made, client, clock } = open();

  made.wire.onclose();
  const answer = client.ask('vote');
  const ends = [];

  client.on('end', () => ends.push('end'));
  made.network.report('offline');
  assert.deepEqual(ends, ['end']);
  made.network.report('online');
  clock.advance(1000);
  made.wire.onopen();
  assert.deepEqual(made.sent, [{ type: 0, data: ['vote'], id: 1, fails: true }]);
  made.receive({ id: 1, type: 1, data: ['yes'] });
  assert.equal(await answer, 'yes');
});

for (const isOfflineFirst of [true, false]) {
  test(`what an async transform has, ${isOfflineFirst ? 'then' : 'before'} offline, is answered later`, async () => {
    const { made, client, clock } = open();
    const waiting = [];
    const transformed = () => {
      while (waiting.length) waiting.shift()();
    };

    made.wire.onclose();
    client.transform('outgoing', (packet, next) => { waiting.push(next); });
    const answers = [client.ask('vote'), client.ask('vote')];

    if (!isOfflineFirst) transformed();
    made.network.report('offline');
    transformed();
    made.network.report('online');
    clock.advance(1000);
    made.wire.onopen();
    assert.deepEqual(made.sent.map(({ id }) => id), [1, 2]);
    for (const id of [1, 2]) made.receive({ id, type: 1, data: ['yes'] });
    assert.deepEqual(await Promise.all(answers), ['yes', 'yes']);
  });
}

test('what an async transform has sent fails with the connection', async () => {
  const { made, client } = open();
  const waiting = [];

  client.transform('outgoing', (packet, next) => { waiting.push(next); });
  const answers = [client.ask('vote'), client.ask('vote')];

  while (waiting.length) waiting.shift()();
  assert.equal(made.sent.length, 2);
  made.wire.onclose();
  for (const answer of answers) await assert.rejects(answer, { name: 'AckLost' });
});

test('ask fails when the client ends or is destroyed', async () => {
  for (const end of ['end', 'destroy']) {
    const { client, clock } = open();
    const answer = client.ask('vote');

    client[end]();
    await assert.rejects(answer, { name: 'AckLost' });
    client.destroy();
    await assert.rejects(client.ask('vote'), { name: 'AckLost', message: '"vote" was not sent' });
    assert.deepEqual(clock.waiting, []);
  }
});

test('an event that asks is acknowledged once by its listener', () => {
  const { made, client } = open();

  client.on('vote', (question, ack) => {
    assert.equal(ack(question.toUpperCase(), null), true);
    assert.equal(ack('again'), false);
  });
  made.receive({ type: 0, data: ['vote', 'yes?'], id: 7 });
  assert.deepEqual(made.sent, [{ id: 7, type: 1, data: ['YES?', null] }]);
});

test('a listener gets no acknowledgement when none is wanted', () => {
  const { made, client } = open();
  const heard = [];

  client.on('vote', (...args) => heard.push(args));
  for (const id of [undefined, null, 0, '', false]) made.receive({ type: 0, data: ['vote'], id });
  assert.deepEqual(heard, [[], [], [], [], []]);
});

test('an acknowledgement is not sent over the next connection', () => {
  const { made, client } = open();
  const acks = [];

  client.on('vote', (ack) => acks.push(ack));
  made.receive({ type: 0, data: ['vote'], id: 1 });
  reconnect(made);
  made.receive({ type: 0, data: ['vote'], id: 1 });
  assert.equal(acks[0]('old'), false);
  assert.equal(acks[1]('new'), true);
  assert.deepEqual(made.sent, [{ id: 1, type: 1, data: ['new'] }]);
});

test('names that are reserved, and those of Node itself, reach no listener', () => {
  const { made, client, data } = open();
  let ended = false;

  client.on('end', () => { ended = true; });
  client.send('newListener', 1).send('removeListener', 2);
  made.receive({ type: 0, data: ['end'] });
  made.receive({ type: 0, data: ['data', 'x'] });
  assert.deepEqual([made.sent, data, ended], [[], [], false]);
});

test('what is no packet is data', () => {
  const { made, data } = open();
  const messages = [
    null, 0, 'x', [], {}, { type: 0 }, { type: 0, data: 'x' }, { type: 0, data: [] },
    { type: 0, data: [{ toString: null }] }, { type: 0, data: ['x'], id: '7' }, { type: 1, data: [] },
    { type: 0, data: ['x'], id: [] }, { type: false, data: ['x'] }, { type: 2, data: ['x'], id: 1 }
  ];

  for (const message of messages) made.receive(message);
  assert.deepEqual(data, messages);
});

test('packets are data as well when that is wanted', () => {
  const { made, client, data } = open({ emitter: { data: true } });
  const heard = [];
  const packet = { type: 0, data: ['news', 1] };

  client.on('news', (value) => heard.push(value));
  made.receive(packet);
  assert.deepEqual([heard, data], [[1], [packet]]);
});

test('a callback or listener that throws disturbs no other', () => {
  const { made, client, data } = open();

  client.send('vote', () => { throw new Error('a callback'); });
  client.on('news', () => { throw new Error('a listener'); });
  made.receive({ id: 1, type: 1, data: [] });
  made.receive({ type: 0, data: ['news'] });
  made.receive('next');
  made.clock.advance(0);
  assert.deepEqual(data, ['next']);
  assert.deepEqual(made.clock.errors.map(({ message }) => message), ['a callback', 'a listener']);
});

test('with the plugin emit nothing is bounced back', () => {
  for (const ark of [{ emit, emitter }, { emitter, emit }]) {
    const { made, client } = open({}, ark);
    const heard = [];

    client.on('news', (value) => heard.push(value));
    made.receive({ emit: ['news', 1] });
    made.receive({ type: 0, data: ['news', 2] });
    assert.deepEqual([made.sent, heard], [[], [1, 2]]);
    client.emit('news', 3);
    client.send('news', 4);
    assert.deepEqual(made.sent, [{ emit: ['news', 3] }, { type: 0, data: ['news', 4] }]);
  }
});

test('ask fails at once when the other side says why', async () => {
  const { made, client } = open();
  const answer = client.ask('vote');

  assert.deepEqual(made.sent, [{ type: 0, data: ['vote'], id: 1, fails: true }]);
  made.receive({ id: 1, type: 1, data: [], error: 'no listener' });
  await assert.rejects(answer, { name: 'AckFailed', message: 'no listener' });
  made.receive({ id: 1, type: 1, data: [], error: 'again' });
});

test('what a listener returns acknowledges an event', async () => {
  const { made, client } = open();

  client.on('vote', () => undefined);
  client.on('vote', (question) => question.toUpperCase());
  client.on('later', async () => 0);
  client.on('taken', (ack) => [ack('mine')]);
  made.receive({ type: 0, data: ['vote', 'yes?'], id: 7 });
  made.receive({ type: 0, data: ['later'], id: 8 });
  made.receive({ type: 0, data: ['taken'], id: 9 });
  await null;
  await null;
  assert.deepEqual(made.sent, [
    { id: 7, type: 1, data: ['YES?'] },
    { id: 9, type: 1, data: ['mine'] },
    { id: 8, type: 1, data: [0] }
  ]);
});

test('an event without a listener is refused, and one whose listener throws, without internals', () => {
  const { made, client, clock } = open();

  client.on('throws', () => { throw new Error('secret'); });
  client.on('refuses', () => { throw Object.assign(new Error('closed'), { name: 'AckFailed' }); });
  for (const [id, event] of ['unheard', 'data', 'throws', 'refuses'].entries()) {
    made.receive({ type: 0, data: [event], id: id + 1, fails: true });
    made.receive({ type: 0, data: [event], id: id + 11 });
  }
  assert.deepEqual(made.sent.map(({ id, error }) => [id, error]), [
    [1, 'no listener'], [2, 'no listener'], [3, 'the listener failed'], [4, 'closed']
  ]);
  clock.advance(0);
  assert.deepEqual(clock.errors.map(({ message }) => message), ['secret', 'secret', 'closed']);
});

test('a packet with more values than the stack may hold is an error, and nothing is called', () => {
  const most = new Array(4095).fill(0);
  const { made, client, data } = open();
  const heard = [];
  const errors = [];

  client.on('news', (...values) => heard.push(values.length));
  client.on('error', (error) => errors.push(error.message));
  client.send('vote', (...values) => heard.push(values.length));
  made.receive({ type: 0, data: ['news', ...most] });
  made.receive({ type: 0, data: ['news', ...most, 0] });
  made.receive({ type: 0, id: 1, data: ['news', ...most, 0] });
  made.receive({ type: 1, id: 1, data: [...most, 0, 0] });
  made.receive({ type: 1, id: 1, data: [...most, 0] });
  assert.deepEqual(heard, [4095, 4096]);
  assert.deepEqual(errors, new Array(3).fill('A packet with more than 4096 values is not taken'));
  assert.deepEqual(data, []);
});

test('what is asked while the end of a connection waits for a transform is asked on the next', async () => {
  const { made, client } = open();
  const settled = () => new Promise((resolve) => { setImmediate(resolve); });
  let next;

  client.transform('incoming', (packet, through) => { next = through; });
  made.receive('slow');
  made.wire.onclose();
  const answer = client.ask('pay', 1);

  next(null, false);
  await settled();
  client.transformers.incoming.pop();
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, [{ type: 0, data: ['pay', 1], id: 1, fails: true }]);
  made.receive({ type: 1, id: 1, data: ['paid'] });
  assert.equal(await answer, 'paid');
});

test('what is held is not lost with a connection that has not had it', async () => {
  const { made, client } = open();

  made.wire.onclose();
  client.holdMessages();
  const answer = client.ask('pay', 1);

  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, []);
  reconnect(made);
  client.releaseMessages();
  assert.equal(made.sent.length, 1);
  made.receive({ type: 1, id: 1, data: ['paid'] });
  assert.equal(await answer, 'paid');
  const lost = client.ask('pay', 2);

  made.wire.onclose();
  await assert.rejects(lost, { name: 'AckLost' });
});
