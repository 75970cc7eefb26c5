import assert from 'node:assert/strict';
import test from 'node:test';

import { formatControl, parseControl } from '../../src/primus/browser/js/protocol.js';

const TABLE = [
  ['primus::ping::1700000000000', 'ping', '1700000000000'],
  ['primus::pong::1', 'pong', '1'],
  ['primus::server::close', 'server', 'close'],
  ['primus::id::', 'id', ''],
  ['primus::id::a::b', 'id', 'a::b'],
  ['primus::', '', 'rimus::'],
  ['primus::foo', 'fo', 'rimus::foo']
];

for (const [text, name, value] of TABLE) {
  test(`${text} is the control message ${name || 'without a name'}`, () => {
    assert.deepEqual(parseControl(text), { name, value });
  });
}

for (const data of ['primus:ping', ' primus::ping::1', '', 1, null, undefined, { primus: 1 }, ['primus::id::']]) {
  test(`${JSON.stringify(data)} is no control message`, () => {
    assert.equal(parseControl(data), null);
  });
}

test('what is formatted is parsed to the same', () => {
  assert.equal(formatControl('pong', 12), 'primus::pong::12');
  assert.equal(formatControl('id'), 'primus::id::');
  assert.deepEqual(parseControl(formatControl('id', 'x')), { name: 'id', value: 'x' });
});
