import assert from 'node:assert/strict';
import test from 'node:test';

import { Closed, ofWire, spoken } from '../../src/primus/browser/js/closed.js';
import { makeClient } from './fakes.js';

const told = (made) => {
  const all = [];

  for (const event of ['close', 'end']) {
    made.client.on(event, (closed) => all.push(`${event} ${closed.code} ${closed.by}`));
  }
  return all;
};

test('a connection that is open has not ended', () => {
  const made = makeClient();

  assert.equal(made.client.closed, null);
  made.accept();
  assert.equal(made.client.closed, null);
});

test('the user ends the client', () => {
  const made = makeClient().accept();
  const all = told(made);

  made.clock.advance(1500);
  made.client.end();
  assert.deepEqual(all, ['close client end client', 'end client end client']);
  assert.equal(made.client.closed.seconds, 1.5);
});

test('a client that ends before it has begun to open knows it', () => {
  const made = makeClient();
  const all = told(made);

  made.client.end();
  assert.deepEqual(all, ['close client end client', 'end client end client']);
});

test('the server tells the client to stay away', () => {
  const made = makeClient().accept();
  const all = told(made);

  made.receive('primus::server::close');
  made.wire.onclose({ code: 1005, reason: '', clean: true });
  assert.deepEqual(all, ['close server end server', 'end server end server']);
});

test('a lost wire is told at the close, and all attempts that failed at the end', () => {
  const made = makeClient({ reconnect: { retries: 1 } }).accept();
  const all = told(made);

  made.wire.onclose({ code: 1006, reason: '', clean: false });
  assert.deepEqual(all, ['close wire lost network']);
  made.clock.advance(60000);
  made.clock.advance(60000);
  assert.deepEqual(all, ['close wire lost network', 'end unreachable network']);
});

test('a client that was opened again has not ended', () => {
  const made = makeClient().accept();

  made.client.end();
  made.client.open();
  made.wire.onopen();
  assert.equal(made.client.closed, null);
});

test('silence is named', () => {
  const made = makeClient().accept();
  const all = told(made);

  made.clock.advance(46000);
  made.clock.advance(2000);
  assert.equal(all[0], 'close heartbeat client');
});

test('a machine that goes offline is named', () => {
  const made = makeClient().accept();
  const all = told(made);

  made.network.report('offline');
  assert.deepEqual(all, ['close offline network', 'end offline network']);
});

test('a refusal has the words of the server', () => {
  const made = makeClient({ strategy: false });
  const errors = [];

  made.client.on('error', (error) => errors.push(error.message));
  made.clock.advance(0);
  made.wire.onerror(Object.assign(new Error('Unexpected server response: 401'), {
    status: 401,
    body: '{"error":"your trial is over"}'
  }));
  assert.deepEqual(errors, ['Unexpected server response: 401: your trial is over']);
  assert.equal(made.client.closed.code, 'refused');
  assert.equal(made.client.closed.by, 'server');
  assert.equal(made.client.closed.status, 401);
});

test('a listener of the end may be the end of another client, which does not send the reason', () => {
  const one = makeClient().accept();
  const two = makeClient().accept();

  one.client.on('end', (...args) => two.client.end(...args));
  one.client.end();
  assert.equal(two.client.closed.code, 'client end');
  assert.deepEqual(two.wire.sent.filter((frame) => frame.indexOf('primus::') < 0), []);
});

for (const [info, code, reason] of [
  [undefined, 'wire lost', undefined],
  [{ code: 1006 }, 'wire lost', undefined],
  [{ code: 1005 }, 'server end', 'the server closed the connection'],
  [{ code: 1000, reason: 'done' }, 'server end', 'the server closed the connection with status 1000: "done"'],
  [{ code: 1001 }, 'shutdown', 'the server closed the connection with status 1001'],
  [{ code: 1008 }, 'refused', 'the server closed the connection with status 1008'],
  [{ code: 1009 }, 'limit', 'the server closed the connection with status 1009'],
  [{ reason: 'ping timeout' }, 'heartbeat', undefined],
  [{ reason: 'transport close', clean: false }, 'wire lost', 'transport close']
]) {
  test(`what a transformer tells: ${JSON.stringify(info)}`, () => {
    const ending = ofWire(info);

    assert.equal(ending.code, code);
    assert.equal(ending.reason, reason);
  });
}

test('a reason can be shown', () => {
  assert.equal(String(new Closed('offline', '', 0)), 'offline: the machine of the client is offline');
});

test('a body that says nothing changes no error', () => {
  for (const body of ['<html>', '{"error":1}', 'null', '']) {
    assert.equal(spoken(Object.assign(new Error('no'), { status: 500, body })).message, 'no');
  }
});
