import assert from 'node:assert/strict';
import test from 'node:test';

import { mistakes } from '../../src/primus/browser/js/mistakes.js';
import { completeOptions, joinStrategy } from '../../src/primus/browser/js/options.js';
import { makeClient } from './fakes.js';

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

const MISTAKES = [
  [{ tiemout: 5000 }, ['unknown option "tiemout". Did you mean "timeout"?']],
  [{ ping_timeout: 5000 }, ['unknown option "ping_timeout". Did you mean "pingTimeout"?']],
  [{ weather: 'fine' }, ['unknown option "weather"']],
  [{ reconnect: { retires: 3 } }, ['unknown option "reconnect.retires". Did you mean "retries"?']],
  [{ timeout: {} }, ['option "timeout" must be milliseconds, text such as "30 seconds", or false']],
  [{ timeout: -1 }, ['option "timeout" must be milliseconds, text such as "30 seconds", or false']],
  [{ queueSize: 'many' }, ['option "queueSize" must be a number']],
  [{ strategy: 7 }, ['option "strategy" must be text, a list or false']],
  [{ manual: 'yes' }, ['option "manual" must be true or false']],
  [{ reconnect: 5, transport: 'x' }, ['option "reconnect" must be an object', 'option "transport" must be an object']],
  [{ reconnect: { min: '1 s', max: Infinity, factor: 2, retries: 3, timeout: false } }, []],
  [{ timeout: '5 s', ping: false, pong: 10, strategy: ['online'], websockets: false, network: true }, []],
  [{ manual: true, queueSize: Infinity, url: 'http://x', transport: null, emitter: {}, omegaSupreme: 1 }, []]
];

for (const [given, expected] of MISTAKES) {
  test(`the mistakes in ${JSON.stringify(given)} are named`, () => {
    assert.deepEqual(mistakes(given, ['emitter', 'omega-supreme']), expected);
  });
}

test('a client warns of mistakes in its options, and works all the same', () => {
  const said = [];
  const prototype = { _warn: (text) => said.push(text) };
  const { client } = makeClient({ tiemout: 5 }, { prototype });

  assert.deepEqual(said, ['unknown option "tiemout". Did you mean "timeout"?']);
  assert.equal(client.options.tiemout, 5);
});

test('a client warns of a scheme that turns off TLS by a slip', () => {
  const said = [];
  const { client } = makeClient({}, { prototype: { _warn: (text) => said.push(text) } });
  const Client = client.constructor;

  for (const scheme of ['http', 'https', 'ws', 'wss', 'HTTPS', 'http+unix']) {
    new Client(`${scheme}://localhost`, { manual: true });
  }
  assert.deepEqual(said, []);
  new Client('htps://localhost', { manual: true });
  assert.deepEqual(said, [
    '"htps:" is none of http, https, ws and wss: connecting without TLS'
  ]);
});
