import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

const file = new URL('../../src/primus/parsers/json.js', import.meta.url);
const source = await readFile(file, 'utf8');
const { encode, decode } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

for (const value of [null, 0, '', false, 'é😀\u2028', [1, [2]], { a: { b: null } }]) {
  test(`${JSON.stringify(value)} comes back as it was`, () => {
    assert.deepEqual(decode(encode(value)), value);
  });
}

test('what JSON does not know has no frame', () => {
  assert.equal(encode(undefined), undefined);
  assert.equal(encode(() => {}), undefined);
});

test('a frame that is not JSON is an error, a binary one is given as it is', () => {
  const bytes = new ArrayBuffer(2);

  assert.throws(() => decode('{'), SyntaxError);
  assert.equal(decode(bytes), bytes);
});
