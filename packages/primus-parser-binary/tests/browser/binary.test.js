import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { decode, encode } from '../../src/primus_parser_binary/client.js';
import tagged from '../../../../integration-tests/peers/tagged.js';

const golden = tagged.parse(readFileSync(new URL('../golden.json', import.meta.url), 'utf8'));
const bytes = (...numbers) => Uint8Array.from(numbers);
/** Values as tagged text, in which a `Buffer` and a `Uint8Array` are the same. */
const told = (value) => tagged.stringify(value === undefined ? null : value);

test('the frames of binary-pack are decoded', () => {
  for (const { value, frame } of golden) assert.equal(told(decode(frame)), told(value));
});

test('values become the frames of binary-pack', () => {
  for (const { value, frame, decodes } of golden) {
    if (!decodes) assert.deepEqual(Buffer.from(encode(value)), frame, told(value));
  }
});

test('what binary-pack cannot do comes back all the same', () => {
  for (const value of [2 ** 40, -(2 ** 53), 1e300, Infinity, -Infinity, [new Uint8Array()]]) {
    assert.deepEqual(decode(encode(value)), value);
  }
  const long = 'x'.repeat(70000);

  assert.deepEqual(decode(encode([long, Buffer.from(long), Array(70000).fill(1)]))[2].length, 70000);
});

test('bytes of any kind arrive as Uint8Array of their own', () => {
  const within = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);

  for (const value of [within, bytes(1, 2).buffer, new DataView(bytes(1, 2).buffer), Buffer.from([1, 2])]) {
    const [received] = decode(encode([value]));

    assert.deepEqual(received, bytes(1, 2));
    assert.equal(received.buffer.byteLength, 2);
  }
  assert.deepEqual(decode(encode('x').buffer), 'x');
});

test('dates are sent as text, and what has no form is an error', () => {
  assert.equal(decode(encode(new Date(5))), '1970-01-01T00:00:00.005Z');
  assert.equal(decode(encode(new Date(NaN))), null);
  assert.equal(decode(encode(undefined)), null);
  for (const value of [() => {}, Symbol('x'), 1n]) assert.throws(() => encode(value), /no form/);
});

test('a key named __proto__ is dropped', () => {
  const value = JSON.parse('{"__proto__": {"evil": 1}, "constructor": 2}');
  const received = decode(encode(value));

  assert.equal(received.evil, undefined);
  assert.equal(Object.getPrototypeOf(received), Object.prototype);
  assert.deepEqual(Object.keys(received), ['constructor']);
  assert.equal(Object.assign({}, received).evil, undefined);
  assert.equal({}.evil, undefined);
});

test('what is no BinaryPack is an error', () => {
  const wrong = [
    [], [0xc0, 0xc0], [0xc4], [0x91], [0x81, 0xb1, 0x61], [0xb1, 0xff], [0xcb, 0],
    [0xdd, 255, 255, 255, 255], [0xdf, 255, 255, 255, 255], [0xd9, 255, 255, 255, 255],
    Array(2000).fill(0x91)
  ];

  for (const frame of wrong) assert.throws(() => decode(Uint8Array.from(frame)), Error, String(frame));
  assert.throws(() => decode('text'), /no text/);
});

test('what contains itself is an error', () => {
  const circular = [];

  circular.push(circular);
  assert.throws(() => encode(circular), /inside of itself/);
});
