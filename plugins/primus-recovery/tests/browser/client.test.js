// node --test tests/browser/client.test.js
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

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
      for (let left = step.messages; left > 0; left -= 1) assert.equal(handle({}), undefined);
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
