import assert from 'node:assert/strict';
import test from 'node:test';

import latency from '../../src/primus_spark_latency/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

/** A client with the plugin in use, open. */
function make(options) {
  const made = makeClient(options, { prototype: { ark: { latency } } });

  made.accept();
  return made;
}

const reports = ({ sent }) => sent.filter((data) => data && data._latency !== undefined);

test('a client reports once it has measured, and each time that it has', () => {
  const made = make();

  assert.deepEqual(reports(made), []);
  made.clock.advance(25);
  made.receive('primus::id::abc');
  assert.deepEqual(reports(made), [{ _latency: 25 }]);
  made.receive('primus::ping::1');
  made.clock.advance(5);
  made.receive('primus::id::abc');
  assert.deepEqual(reports(made), [{ _latency: 25 }, { _latency: 5 }]);
});

test('a report is never 0, which is no report to a server of Node', () => {
  const made = make();

  made.receive('primus::id::abc');
  assert.deepEqual(reports(made), [{ _latency: 0.1 }]);
});

test('the clock is told when it is asked for', () => {
  const made = make({ use_clock_offset: true });

  made.receive('primus::id::abc');
  assert.deepEqual(reports(made), [{ _latency: 0.1, _clock: made.clock.now() }]);
});

test('the option is known', () => {
  const said = [];

  makeClient({ use_clock_offset: true }, { prototype: { ark: { latency }, _warn: (text) => said.push(text) } });
  assert.deepEqual(said, []);
});

test('a client that pings by itself reports with each pong', () => {
  const made = make({ ping: 1000 });

  made.clock.advance(1000);
  const stamp = made.clock.now();

  made.clock.advance(30);
  made.receive(`primus::pong::${stamp}`);
  assert.deepEqual(reports(made).at(-1), { _latency: 30 });
});

test('a pong that was not asked for is not reported', () => {
  const made = make();

  made.receive('primus::pong::1');
  assert.deepEqual(reports(made), []);
});
