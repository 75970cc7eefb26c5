// node --test tests/browser/client.test.js
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

const source = readFileSync(
  new URL('../../src/primus_parser_template/client.js', import.meta.url), 'utf8'
);
const { encode, decode } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

for (const value of [null, 0, '', false, 'é😀\u2028', [1, [2]], { a: { b: null } }]) {
  test(`${JSON.stringify(value)} comes back as it was`, () => {
    assert.deepEqual(decode(encode(value)), value);
    assert.deepEqual(decode(encode(value).buffer), value);
  });
}

test('what has no frame is not sent', () => {
  assert.equal(encode(undefined), undefined);
});

test('what is no frame is an error', () => {
  for (const frame of ['"text"', new Uint8Array(0), new Uint8Array([123])]) {
    assert.throws(() => decode(frame));
  }
});
