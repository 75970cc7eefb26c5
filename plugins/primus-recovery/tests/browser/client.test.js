// node --test tests/browser/client.test.js
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import '../../../../packages/primus-core/src/primus/browser/js/stream.js';
import multiplex from '../../../primus-multiplex/src/primus_multiplex/client.js';
import substream from '../../../primus-substream/src/primus_substream/client.js';
import { makeClient } from '../../../../packages/primus-core/tests/browser/fakes.js';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const source = read('../../src/primus_recovery/client.js');
const { default: recovery } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const scenarios = JSON.parse(read('../golden/client.json'));

/** A client with the plugin in use, as far as the plugin knows one. */
function make() {
  const listeners = {};
  const controls = {};
  const timers = {};
  const log = [];
  let now = 0;
  let handle;
  const primus = {
    reserved: { events: {} },
    on: (event, fn) => { listeners[event] = fn; },
    onControl: (name, fn) => { controls[name] = fn; },
    transform: (direction, fn) => { handle = fn; },
    dispatch: (...event) => log.push(['event', ...event]),
    sendControl: (name, value) => log.push(['sent', name, value]),
    sendAgain: (frame) => log.push(['again', frame]),
    sendFirst: () => {},
    holdMessages: () => log.push(['held']),
    releaseMessages: () => log.push(['released']),
    querystring: (text) => Object.fromEntries(new URLSearchParams(text)),
    querystringify: (fields) => new URLSearchParams(fields).toString(),
    clock: { setTimeout: (fn) => fn() },
    timers: {
      setTimeout: (name, fn, ms) => { timers[name] = { fn, at: now + ms }; },
      expect: (name, fn, ms) => primus.timers.setTimeout(name, fn, ms),
      active: (name) => name in timers,
      clear: (...names) => names.forEach((name) => delete timers[name])
    }
  };

  recovery(primus);
  return {
    primus,
    log,
    query() {
      const address = { query: '_recovery=old&a=1' };

      listeners['outgoing::url'](address);
      const fields = primus.querystring(address.query);

      assert.equal(fields.a, '1');
      return fields._recovery;
    },
    step(step) {
      if (step.do) listeners[step.do]();
      if (step.control) controls[step.control[0]](step.control[1]);
      for (let left = step.messages; left > 0; left -= 1) assert.equal(handle.call(primus, {}), undefined);
      for (const frame of step.written || []) listeners['outgoing::message'](frame);
      if (!step.wait) return;
      now += step.wait * 1000;
      for (const [name, timer] of Object.entries(timers)) {
        if (timer.at > now) continue;
        delete timers[name];
        timer.fn();
      }
    }
  };
}

for (const [name, steps] of Object.entries(scenarios)) {
  test(name, () => {
    const client = make();

    for (const step of steps) {
      client.log.length = 0;
      client.step(step);
      assert.deepEqual(client.log, step.log, JSON.stringify(step));
      assert.equal(client.query(), step.query, JSON.stringify(step));
    }
  });
}

test('its events are reserved, and what became of what was missed can be read', () => {
  const client = make();

  assert.deepEqual(client.primus.reserved.events, { recovered: 1, gap: 1 });
  assert.equal(client.primus.recovered, null);
  client.step({ control: ['recovered', '{"rooms":true,"session":false,"missed":2}'] });
  assert.deepEqual(client.primus.recovered, { rooms: true, session: false, missed: 2 });
});

test('a ring keeps no more than 256 KiB', () => {
  const client = make();

  client.step({ do: 'open' });
  client.step({ control: ['token', 'T 5'] });
  client.step({ written: ['x'.repeat(200 * 1024), new ArrayBuffer(100 * 1024)] });
  client.step({ do: 'close' });
  client.step({ do: 'open' });
  client.log.length = 0;
  client.step({ control: ['session', '1.0'] });
  assert.deepEqual(client.log, [['released']]);
});

/** A client with more plugins, which has been given a token, and its server. */
function connected(ark) {
  const made = makeClient({}, { prototype: { ark: { recovery, ...ark } } }).accept();
  made.client.clock.random = Math.random; // the ids of subscriptions differ
  for (const text of ['session::0.0', 'token::T 5']) made.receive(`primus::${text}`);
  return {
    made,
    client: made.client,
    comesBack(handled) {
      made.wire.onclose();
      made.clock.advance(1000);
      made.wire.onopen();
      made.receive(`primus::session::1.${handled}`);
    },
    handled: () => /~([0-9]+)$/.exec(made.client.uri({ query: true }))[1]
  };
}

test('a message of a stream is counted once', () => {
  const { made, client, comesBack, handled } = connected({ substream });
  const chat = client.substream('chat');
  const heard = [];

  chat.on('data', (message) => heard.push(message));
  made.receive({ substream: 'chat', args: 1 });
  made.receive('plain');
  comesBack(0);
  assert.deepEqual([heard, handled()], [[1], '2']);
});

test('what is sent again to a channel comes behind its subscription', () => {
  const { made, client, comesBack } = connected({ multiplex });
  const channel = client.channel('news');
  const subscribed = [1, channel.id, 'news'];
  const written = (value) => [0, channel.id, 'news', value];

  channel.write('handled');
  channel.write('lost');
  comesBack(2);
  channel.write('later');
  assert.deepEqual(made.sent, [subscribed, written('lost'), written('later')]);
  // The server has handled the subscription of that connection, and no more.
  comesBack(3);
  assert.deepEqual(made.sent, [subscribed, written('lost'), written('later')]);
});

test('more subscriptions than are kept to be sent again are no hole in what was written', () => {
  const { made, client, comesBack } = connected({ multiplex });
  const channels = Array.from({ length: 300 }, () => client.channel('news'));

  made.receive('primus::ack::300');
  client.write('lost');
  comesBack(300);
  assert.deepEqual(made.sent.slice(300), ['lost']);
  comesBack(300 + channels.length);
  assert.deepEqual(made.sent.slice(300), ['lost']);
  made.receive('primus::recovered::{"rooms":true,"session":true,"missed":0}');
  assert.equal(client.recovered.session, true);
});
