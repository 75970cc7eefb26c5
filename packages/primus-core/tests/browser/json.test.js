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

test('keys named __proto__ are dropped at every level, however they are written', () => {
  for (const key of ['__proto__', '\\u005f_proto__', '__pr\\u006Fto__', '\\u005F'.repeat(2) + 'proto__']) {
    const value = decode(`[{"a":{"${key}":{"evil":1},"b":[{"${key}":null,"c":1}]},"constructor":2}]`);

    assert.deepEqual(Object.keys(value[0].a), ['b']);
    assert.deepEqual(value, [{ a: { b: [{ c: 1 }] }, constructor: 2 }]);
    assert.equal(Object.assign({}, value[0].a).evil, undefined);
  }
  assert.equal(decode('"__proto__"'), '__proto__');
  assert.equal(decode('{"a":"\\u0041__proto__"}').a, 'A__proto__');
});

test('keys named __proto__ are dropped from deep values without recursion', () => {
  const deep = '{"a":'.repeat(50000) + '{"__proto__":1}' + '}'.repeat(50000);

  for (let value = decode(deep); value; value = value.a) assert.ok(!Object.hasOwn(value, '__proto__'));
});

test('a frame that is not JSON is an error, a binary one is given as it is', () => {
  const bytes = new ArrayBuffer(2);

  assert.throws(() => decode('{'), SyntaxError);
  assert.equal(decode(bytes), bytes);
});
