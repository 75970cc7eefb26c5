import assert from 'node:assert/strict';
import test from 'node:test';

import '../../../../packages/primus-core/src/primus/browser/js/stream.js';
import substream from '../../../primus-substream/src/primus_substream/client.js';
import responder from '../../src/primus_responder/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

const plugin = 'primus-responder';

/** A client with the plugin in use, open unless it is told otherwise. */
function make(options, open = true, ark = { responder }) {
  const made = makeClient(options, { prototype: { ark } });
  const data = [];

  made.client.on('data', (message) => data.push(message));
  if (open) made.accept();
  return { made, client: made.client, clock: made.clock, data };
}

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

test('a request is sent, and its response is the promise', async () => {
  const { made, client, clock, data } = make();
  const answers = [client.writeAndWait({ hi: null }), client.writeAndWait(null)];
  const [first, second] = made.sent;

  assert.deepEqual(first, { plugin, requestId: first.requestId, data: { hi: null }, fails: true });
  assert.notEqual(first.requestId, second.requestId);
  made.receive({ plugin, responseId: second.requestId });
  made.receive({ plugin, responseId: first.requestId, data: [1, { a: false }] });
  made.receive({ plugin, responseId: first.requestId, data: 'again' });
  assert.deepEqual(await Promise.all(answers), [[1, { a: false }], undefined]);
  assert.deepEqual(data, []);
  clock.advance(60000);
});

test('what looks like a request in a stream stays a message of it', () => {
  const { made, client, data } = make({}, true, { responder, substream });
  const chat = client.substream('chat');
  const heard = [];
  const request = { plugin, requestId: '1', data: 5 };

  client.on('request', (message) => { heard.push(message); return 'answer'; });
  chat.on('data', (message) => heard.push(message));
  made.receive({ substream: 'chat', args: request });
  assert.deepEqual([heard, data, made.sent], [[request], [], []]);
});

test('a callback gets the response, as in Node', () => {
  const { made, client } = make();
  const heard = [];

  assert.equal(client.writeAndWait('name?', (answer) => heard.push(answer)), client);
  made.receive({ plugin, responseId: made.sent[0].requestId, data: 'me' });
  assert.deepEqual(heard, ['me']);
});

test('two clients use different ids', () => {
  const ids = [make(), make()].map(({ made, client }) => {
    client.writeAndWait(1, () => {});
    return made.sent[0].requestId;
  });

  assert.notEqual(ids[0], ids[1]);
});

test('a promise fails when the response is late, lost, or refused', async () => {
  const { made, client, clock } = make({ responder: { timeout: 5000 } });
  const late = client.writeAndWait(1);
  const own = client.writeAndWait(1, { timeout: 100 });

  clock.advance(100);
  await assert.rejects(own, { name: 'ResponseTimeout', message: 'the request was not answered in time' });
  clock.advance(4900);
  await assert.rejects(late, { name: 'ResponseTimeout' });
  const refused = client.writeAndWait(1);

  made.receive({ plugin, responseId: made.sent[2].requestId, error: 'no listener' });
  await assert.rejects(refused, { name: 'ResponseFailed', message: 'no listener' });
  const lost = client.writeAndWait(1);

  made.wire.onclose();
  await assert.rejects(lost, { name: 'ResponseLost' });
  client.destroy();
  await assert.rejects(client.writeAndWait(1), { name: 'ResponseLost', message: 'the request was not sent' });
  assert.deepEqual(clock.waiting, []);
});

test('without a timeout a response may take for ever', async () => {
  const { made, client, clock } = make({ pingTimeout: false });
  const answer = client.writeAndWait(1, { timeout: false });

  clock.advance(1e9);
  made.receive({ plugin, responseId: made.sent[0].requestId, data: 'late' });
  assert.equal(await answer, 'late');
});

test('what is asked before the client is open is kept', async () => {
  const { made, client } = make({}, false);
  const answer = client.writeAndWait(1);

  made.accept();
  made.receive({ plugin, responseId: made.sent[0].requestId, data: 2 });
  assert.equal(await answer, 2);
});

test('no more than 4096 responses are awaited', async () => {
  const { client } = make({ pingTimeout: false, responder: { timeout: false } });

  for (let count = 0; count < 4096; count += 1) client.writeAndWait(count, () => {});
  await assert.rejects(client.writeAndWait(1), { name: 'ResponseLost' });
});

test('a listener responds with what it returns, now or later', async () => {
  const { made, client, data } = make();

  client.on('request', (value) => (value === 'later' ? Promise.resolve(value) : value));
  for (const value of [0, null, 'later']) made.receive({ plugin, requestId: `of ${value}`, data: value });
  await settled();
  assert.deepEqual(made.sent, [
    { plugin, responseId: 'of 0', data: 0 },
    { plugin, responseId: 'of null', data: null },
    { plugin, responseId: 'of later', data: 'later' }
  ]);
  assert.deepEqual(data, []);
});

test('a listener that takes two arguments responds by the second, once', () => {
  const { made, client } = make();
  const results = [];

  client.on('request', (value, done) => {
    results.push(done(value + 1), done('again'));
    return 'ignored';
  });
  made.receive({ plugin, requestId: [7], data: 1 });
  assert.deepEqual(made.sent, [{ plugin, responseId: [7], data: 2 }]);
  assert.deepEqual(results, [true, false]);
});

test('a failure is told without internals to a server that understands it', async () => {
  const { made, client, clock } = make();

  made.receive({ plugin, requestId: '1', fails: true });
  client.on('request', (value) => {
    if (value === 'mine') throw Object.assign(new Error('not today'), { name: 'ResponseFailed' });
    throw new Error('a secret');
  });
  made.receive({ plugin, requestId: '2', data: 'theirs', fails: true });
  made.receive({ plugin, requestId: '3', data: 'mine', fails: true });
  made.receive({ plugin, requestId: '4', data: 'theirs' });
  clock.advance(0);
  assert.deepEqual(made.sent, [
    { plugin, responseId: '1', error: 'no listener' },
    { plugin, responseId: '2', error: 'the listener failed' },
    { plugin, responseId: '3', error: 'not today' }
  ]);
  assert.deepEqual(clock.errors.map(({ message }) => message), ['a secret', 'a secret']);
});

test('a response is not sent over the next connection', () => {
  const { made, client } = make();
  const kept = [];

  client.on('request', (value, done) => kept.push(done));
  made.receive({ plugin, requestId: '1' });
  made.wire.onclose();
  made.clock.advance(500);
  made.wire.onopen();
  assert.equal(kept[0]('late'), false);
  assert.deepEqual(made.sent, []);
});

test('whatever arrives, nothing is raised, and only what names the plugin is no data', async () => {
  const { made, client, data } = make();
  const values = [null, 0, '', false, true, 1.5, 'x', [], {}, [null], { toString: null }, '__proto__', 'constructor'];
  let plain = 0;

  client.writeAndWait('pending', () => assert.fail('it was not answered'));
  client.on('request', () => null);
  for (const one of values) {
    for (const two of values) {
      made.receive({ plugin, requestId: one, data: two, fails: two });
      made.receive({ plugin, responseId: one, data: two, error: two });
      made.receive({ plugin, requestId: one, responseId: two });
      made.receive({ plugin: one, requestId: two });
      plain += 1;
    }
    made.receive(one);
    plain += 1;
  }
  await settled();
  assert.equal(data.length, plain);
});
