// node --test tests/browser/client.test.js
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const source = readFileSync(new URL('../../src/primus_template/client.js', import.meta.url), 'utf8');
const { default: template } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const KEY = 'template';

/** A client with the plugin in use, as far as the plugin knows one. */
function make() {
  const sent = [];
  const heard = [];
  let incoming;
  const primus = {
    write: (data) => sent.push(data) > 0,
    transform: (direction, fn) => { incoming = fn; },
    deliver: (...event) => {
      heard.push(event);
      return false;
    }
  };

  template(primus, {});
  return { primus, sent, heard, receive: (data) => incoming.call(primus, { data }) };
}

test('a text is sent', () => {
  const { primus, sent } = make();

  assert.equal(primus.template('hello'), true);
  assert.deepEqual(sent, [{ [KEY]: 'hello' }]);
});

test('a text that arrives is an event, and is swallowed', () => {
  const { heard, receive } = make();

  assert.equal(receive({ [KEY]: 'hello' }), false);
  assert.deepEqual(heard, [['template', 'hello']]);
});

test('everything else passes', () => {
  const { heard, receive } = make();

  for (const message of [null, 0, '', 'template', [], {}, { [KEY]: 5 }, { [KEY]: null }]) {
    assert.notEqual(receive(message), false);
  }
  assert.deepEqual(heard, []);
});
