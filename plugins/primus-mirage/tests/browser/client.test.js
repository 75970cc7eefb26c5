// node --test tests/browser/client.test.js
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const source = readFileSync(new URL('../../src/primus_mirage/client.js', import.meta.url), 'utf8');
const { default: mirage } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

/** A client with the plugin in use, as far as the plugin knows one. */
function make(options = {}, plugins = ['emit']) {
  const listeners = {};
  const story = [];
  const primus = {
    on: (event, fn) => { listeners[event] = fn; },
    holdMessages: () => story.push('hold'),
    releaseMessages: () => story.push('release'),
    querystring: (text) => Object.fromEntries(new URLSearchParams(text)),
    querystringify: (fields) => new URLSearchParams(fields).toString(),
    timers: {
      setTimeout: (name, fn, ms) => story.push(['timer', ms, fn]),
      clear: (name) => story.push(['clear', name])
    }
  };

  mirage(primus, options);
  for (const name of plugins) primus[name] = () => {};
  return { primus, listeners, story };
}

test('without an id messages are held until one is announced', () => {
  const { primus, listeners, story } = make();
  const address = { query: 'a=1' };

  listeners['outgoing::url'](address);
  assert.deepEqual([primus.mirage, address.query, story], ['', 'a=1', ['hold']]);

  listeners.mirage('an id');
  assert.equal(primus.mirage, 'an id');
  assert.deepEqual(story, ['hold', ['clear', '_mirage'], 'release']);
});

test('an id goes into the query, in place of another', () => {
  const { listeners } = make({ mirage: 'a&b' });
  const address = { query: '_mirage=old&a=1' };

  listeners['outgoing::url'](address);

  assert.equal(address.query, 'a=1&_mirage=a%26b');
});

test('without an event plugin nothing is held', () => {
  const { listeners, story } = make({}, []);

  listeners['outgoing::url']({});
  listeners.open();

  assert.deepEqual(story, []);
});

test('what is no id is not taken', () => {
  const { primus, listeners, story } = make({ mirage: 5 });

  for (const id of [undefined, null, '', 5, {}, 'x'.repeat(4097)]) listeners.mirage(id);

  assert.equal(primus.mirage, '');
  assert.deepEqual(story, []);
});

test('a server that announces nothing is told of', (context) => {
  const warned = context.mock.method(console, 'warn', () => {});
  const { listeners, story } = make({}, ['send']);

  listeners.open();
  const [[, ms, fn]] = story;
  fn();

  assert.equal(ms, 5000);
  assert.match(warned.mock.calls[0].arguments[0], /no session id yet/);
});
