// node --test tests/browser/client.test.js
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const source = read('../../src/primus_presence/client.js');
const { default: presence } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const scenarios = JSON.parse(read('../golden/client.json'));

/** What JSON has for maps, with any name in it. */
const plain = (value) => (value instanceof Map ? [...value] : value);
const mapped = (value) => (
  typeof value === 'object' && value !== null ? Object.entries(value) : value
);

/** A client with the plugin in use, as far as the plugin knows one. */
function make() {
  const listeners = {};
  const thrown = [];
  const client = { log: [], listeners, thrown, fails: false };
  const primus = {
    reserved: { events: {} },
    on: (event, fn) => { listeners[event] = fn; },
    onControl: (name, fn) => { client.control = fn; },
    dispatch(event, ...args) {
      client.log.push([event.replace('presence ', ''), ...args.map(plain)]);
      if (client.fails) throw new Error('of a listener');
    },
    querystring: (text) => Object.fromEntries(new URLSearchParams(text)),
    querystringify: (fields) => new URLSearchParams(fields).toString(),
    clock: { setTimeout: (fn) => thrown.push(fn) },
    timers: {
      expect(name, fn, ms) { client.timer = { fn, ms }; },
      clear() { client.timer = null; }
    }
  };

  presence(primus);
  return Object.assign(client, { primus });
}

for (const [name, steps] of Object.entries(scenarios)) {
  test(name, () => {
    const client = make();

    for (const step of steps) {
      client.log.length = 0;
      client.control(step.control);
      const log = step.log.map(([kind, room, members, ...rest]) => (
        kind === 'state' ? [kind, room, mapped(members)]
          : [kind, room, ...(members === undefined ? [] : [members]), ...rest]
      ));

      assert.deepEqual(client.log, log, JSON.stringify(step));
      assert.deepEqual(plain(client.primus.presence.members('a')), mapped(step.members));
      assert.equal(client.primus.presence.count('a'), step.count);
    }
  });
}

test('it shows the server that it has the plugin', () => {
  const client = make();
  const address = { query: 'a=1&_presence=old' };

  client.listeners['outgoing::url'](address);
  assert.equal(address.query, 'a=1&_presence=1');
});

test('its events are reserved', () => {
  const { events } = make().primus.reserved;

  assert.deepEqual(Object.keys(events), [
    'presence state', 'presence join', 'presence update', 'presence leave', 'presence count',
    'presence end'
  ]);
});

test('it keeps a thousand rooms', () => {
  const client = make();

  for (let number = 0; number < 1001; number += 1) {
    client.control(JSON.stringify({ room: String(number), count: 1 }));
  }
  assert.equal(client.primus.presence.rooms().length, 1000);
});

test('a listener that fails keeps nothing from the others', () => {
  const client = make();

  client.fails = true;
  client.control('{"room":"a","count":1,"state":{"ann":1}}');
  client.control('{"room":"a","count":1,"join":{"bob":1,"cid":2}}');
  assert.equal(client.log.length, 3);
  assert.throws(client.thrown[0], /of a listener/);
});

test('after a reconnect it forgets the rooms that it is told of no longer', () => {
  const client = make();

  client.listeners.open();
  assert.equal(client.timer, undefined);
  for (const room of ['a', 'b', 'c']) client.control(`{"room":"${room}","count":1,"state":{"ann":1}}`);
  client.listeners.close();
  client.listeners.open();
  client.control('{"room":"a","count":1,"state":{"ann":1}}');
  assert.deepEqual(client.primus.presence.rooms(), ['a', 'b', 'c']);
  client.log.length = 0;
  assert.equal(client.timer.ms, 5000);
  client.timer.fn();

  assert.deepEqual(client.primus.presence.rooms(), ['a']);
  assert.equal(client.primus.presence.members('b'), null);
  assert.deepEqual(client.log, [['end', 'b'], ['end', 'c']]);
});

test('it judges no rooms by a connection that is gone', () => {
  const client = make();

  client.control('{"room":"a","count":1}');
  client.listeners.open();
  client.listeners.close();
  assert.equal(client.timer, null);
});
