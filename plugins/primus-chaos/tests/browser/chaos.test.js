import assert from 'node:assert/strict';
import test from 'node:test';

import chaos from '../../src/primus_chaos/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

/** An open client with the plugin in use. */
function make(options, luck = 0) {
  const made = makeClient(options, { prototype: { ark: { chaos } } });
  const data = [];

  made.clock.luck = luck;
  made.client.on('data', (message) => data.push(message));
  made.accept();
  return { made, client: made.client, clock: made.clock, data };
}

test('without the option there is no trouble', () => {
  const { made, client, data } = make({});

  client.write('out');
  made.receive('in');
  assert.deepEqual(made.sent, ['out']);
  assert.deepEqual(data, ['in']);
  assert.deepEqual(client.chaos, { enabled: true, delay: 0, drop: 0, delayed: 0, dropped: 0 });
});

test('messages wait both ways', () => {
  const { made, client, clock, data } = make({ chaos: { delay: 100 } });

  client.write('out');
  made.receive('in');
  clock.advance(99);
  assert.deepEqual([made.sent, data], [[], []]);
  clock.advance(1);
  assert.deepEqual([made.sent, data], [['out'], ['in']]);
  assert.equal(client.chaos.delayed, 2);
});

test('a delay is drawn from its range', () => {
  const { made, client, clock } = make({ chaos: { delay: [100, 200] } }, 0.5);

  client.write('out');
  clock.advance(149);
  assert.deepEqual(made.sent, []);
  clock.advance(1);
  assert.deepEqual(made.sent, ['out']);
});

test('the order is kept when a later message has less to wait', () => {
  const { made, client, clock } = make({ chaos: { delay: 100 } });

  client.write('first');
  client.chaos.delay = 1;
  client.write('second');
  clock.advance(50);
  assert.deepEqual(made.sent, []);
  clock.advance(51);
  assert.deepEqual(made.sent, ['first', 'second']);
});

test('messages are dropped both ways, by the dice', () => {
  const { made, client, clock, data } = make({ chaos: { drop: 0.5 } }, 0.4);

  client.write('lost');
  made.receive('lost');
  clock.luck = 0.5;
  client.write('out');
  made.receive('in');
  assert.deepEqual([made.sent, data], [['out'], ['in']]);
  assert.equal(client.chaos.dropped, 2);
});

test('heartbeats pass', () => {
  const { made } = make({ chaos: { drop: 1 } });

  made.receive('primus::ping::7');
  assert.deepEqual(made.sent, ['primus::pong::7']);
});

test('nothing happens while it is disabled', () => {
  const { made, client } = make({ chaos: { delay: 100, drop: 1, enabled: false } });

  client.write('out');
  assert.deepEqual(made.sent, ['out']);
});

test('destroying the client leaves no timer', () => {
  const { client, clock } = make({ chaos: { delay: 100 }, timeout: false });

  client.write('out');
  client.destroy();
  assert.deepEqual(clock.waiting, []);
});

test('settings that cannot work are refused', () => {
  for (const delay of [-1, [2, 1], NaN, Infinity, 'soon', '100', null]) {
    assert.throws(() => make({ chaos: { delay } }), /chaos\.delay must be milliseconds/);
  }
  for (const drop of [-0.1, 1.1, NaN, 'often', '0.5', null]) {
    assert.throws(() => make({ chaos: { drop } }), /chaos\.drop must be a probability/);
  }
});
