import assert from 'node:assert/strict';
import test from 'node:test';

import { completeOptions, joinStrategy } from '../../src/primus/browser/js/options.js';

const STRATEGIES = [
  [[], false, 'disconnect,online,timeout'],
  [[], true, 'disconnect,online'],
  [undefined, false, 'disconnect,online,timeout'],
  ['', false, ''],
  [false, false, ''],
  ['DisConnect , online', false, 'disconnect,online'],
  [['ONLINE', ' timeout '], true, 'online,timeout'],
  ['timeout', true, 'timeout']
];

for (const [given, authorization, expected] of STRATEGIES) {
  test(`strategy ${JSON.stringify(given)} is "${expected}" with authorization ${authorization}`, () => {
    assert.equal(joinStrategy(given, authorization), expected);
  });
}

test('every option has its default', () => {
  assert.deepEqual(completeOptions({}, 45000, false), {
    queueSize: Infinity,
    timeout: 10000,
    reconnect: {},
    strategy: 'disconnect,online,timeout',
    transport: {},
    pingTimeout: 45000,
    ping: false,
    pong: 10000
  });
});

test('durations may be text, the object given is left alone, options of plugins are kept', () => {
  const given = { timeout: '5 s', pingTimeout: '1 m', mirage: 'x' };
  const options = completeOptions(given, 45000, false);

  assert.deepEqual([options.timeout, options.pingTimeout, options.mirage], [5000, 60000, 'x']);
  assert.deepEqual(given, { timeout: '5 s', pingTimeout: '1 m', mirage: 'x' });
});

test('a client that pings expects no pings, unless told so', () => {
  assert.equal(completeOptions({ ping: '25 s' }, 45000, false).pingTimeout, false);
  assert.equal(completeOptions({ ping: 25, pingTimeout: 9 }, 45000, false).pingTimeout, 9);
  assert.equal(completeOptions({ ping: false }, 45000, false).pingTimeout, 45000);
  assert.equal(completeOptions({ pingTimeout: false }, 45000, false).pingTimeout, false);
});
