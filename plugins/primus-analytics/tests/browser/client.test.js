import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';

import analytics from '../../src/primus_analytics/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

afterEach(() => {
  delete globalThis.ga;
  delete globalThis.gtag;
});

/** A client with the plugin in use. */
const make = (options) => makeClient({ analytics: options }, { prototype: { ark: { analytics } } });

/** A client whose reports are kept, open. */
function reporting(options) {
  const reports = [];
  const made = make({ sink: (report) => { reports.push(report); }, ...options });

  made.accept();
  return { client: made.client, clock: made.clock, made, reports, names: () => reports.map((each) => each.eventAction || each.hitType) };
}

const event = (eventAction, eventCategory = 'primus') => (
  { eventAction, eventCategory, hitType: 'event', nonInteraction: 1 }
);

test('what happens to a client is reported', () => {
  const { made, client, clock, names, reports } = reporting({ category: 'chat' });

  client.write({ emit: ['news'] });
  client.write({ type: 0, data: ['olds'] });
  client.write('hello');
  made.wire.onclose();
  clock.advance(500);
  made.wire.onopen();
  client.end();
  assert.deepEqual(names(), [
    'open', 'news', 'olds', 'write', 'close', 'reconnect-start', 'reconnected', 'open', 'close'
  ]);
  assert.deepEqual(reports[0], event('open', 'chat'));
});

test('whatever is sent has a name, and is not altered', () => {
  const { client, made, names } = reporting();
  const values = [
    null, 0, '', false, [], {}, { emit: 'news' }, { emit: [] }, { emit: [5] }, { emit: { 0: 'x' } },
    { type: 0 }, { type: 0, data: 'news' }, { type: 0, data: [null] }, { type: '0', data: ['news'] }
  ];

  for (const value of values) client.write(value);
  assert.deepEqual(names(), ['open', ...values.map(() => 'write')]);
  assert.deepEqual(made.sent, values);
});

test('names are mapped and left out, and those of every object are no names', () => {
  const { client, names } = reporting({ events: { open: 'entered', close: false, write: '', error: false } });

  client.write('hello');
  client.write({ emit: ['toString'] });
  client.write({ emit: ['__proto__'] });
  client.emit('error', new Error('boom'));
  client.end();
  assert.deepEqual(names(), ['entered', 'write', 'toString', '__proto__']);
});

test('an error is an exception of the application', () => {
  const { client, reports } = reporting({ app: 'chat' });

  client.on('error', () => {});
  client.emit('error', new Error('boom'));
  assert.deepEqual(reports.at(-1), {
    hitType: 'exception', exDescription: 'boom', appName: 'chat', exFatal: true
  });
});

test('without a sink ga is told what Node tells it, once the page has it', () => {
  const made = make();
  const { client } = made.accept();
  const calls = [];

  globalThis.ga = (...args) => calls.push(args);
  client.write('hello');
  client.on('error', () => {});
  client.emit('error', new Error('boom'));
  assert.deepEqual(calls, [
    ['send', event('write')],
    ['send', 'exception', { exDescription: 'boom', appName: 'primus', exFatal: true }]
  ]);
});

test('gtag comes before ga', () => {
  const made = make({ category: 'chat', app: 'chat' });
  const calls = [];

  globalThis.ga = () => assert.fail('gtag is there');
  globalThis.gtag = (...args) => calls.push(args);
  const { client } = made.accept();

  client.on('error', () => {});
  client.emit('error', new Error('boom'));
  assert.deepEqual(calls, [
    ['event', 'open', { event_category: 'chat', non_interaction: true }],
    ['event', 'exception', { description: 'boom', app_name: 'chat', fatal: true }]
  ]);
});

test('a sink that fails, now or later, stops neither the client nor a message', async () => {
  const failed = () => { throw new Error('now'); };

  for (const sink of [failed, () => Promise.reject(new Error('later'))]) {
    const made = make({ sink }).accept();

    made.client.write('hello');
    assert.deepEqual(made.sent, ['hello']);
    await new Promise((resolve) => { setImmediate(resolve); });
    made.clock.advance(0);
    assert.deepEqual(made.clock.errors.length, 2);
  }
});

test('a sink that is no function is refused', () => {
  assert.throws(() => make({ sink: 'console.log' }), /the sink must be a function/);
});
