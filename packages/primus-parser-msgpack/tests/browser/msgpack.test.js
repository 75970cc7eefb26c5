import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import test from 'node:test';

import tagged from '../../../../integration-tests/peers/tagged.js';

// What the assembled client has in the scope of this module.
globalThis.library = createRequire(import.meta.url)('../../src/primus_parser_msgpack/_assets/msgpack.js');

const { decode, encode } = await import('../../src/primus_parser_msgpack/client.js');
const golden = tagged.parse(readFileSync(new URL('../golden.json', import.meta.url), 'utf8'));
const frame = (...numbers) => Uint8Array.from(numbers.flat(2));

test('the frames of msgpack-lite are decoded', () => {
  for (const { value, frame } of golden) {
    assert.equal(tagged.stringify(decode(frame)), tagged.stringify(value));
  }
});

test('values become the frames of msgpack-lite', () => {
  for (const { value, frame, decodes } of golden) {
    if (!decodes) assert.deepEqual(Buffer.from(encode(value)), frame, tagged.stringify(value));
  }
});

test('dates come back, and so do the timestamps of MessagePack', () => {
  for (const time of [0, -1, 1700000000123, 2 ** 31]) {
    assert.deepEqual(decode(encode([new Date(time)])), [new Date(time)]);
  }
  assert.ok(Number.isNaN(decode(encode(new Date(NaN))).getTime()));
  assert.deepEqual(decode(frame(0xd6, 0xff, 0, 0, 0, 1)), new Date(1000));
});

test('arrays of numbers keep their type', () => {
  for (const value of [
    Int8Array.of(1, -2), Int16Array.of(1, -2), Uint16Array.of(1, 2), Int32Array.of(1, -2), Uint32Array.of(1, 2),
    Float32Array.of(1.5), Float64Array.of(1.5), Uint8ClampedArray.of(1, 2)
  ]) {
    assert.deepEqual(decode(encode({ value })), { value });
  }
});

test('bytes of any kind arrive as Uint8Array', () => {
  const within = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);

  for (const value of [within, frame(1, 2).buffer, new DataView(frame(1, 2).buffer), Buffer.from([1, 2])]) {
    assert.deepEqual(decode(encode([value])), [frame(1, 2)]);
  }
  assert.deepEqual(decode(encode('x').slice().buffer), 'x');
});

test('large messages come back', () => {
  const value = { text: 'x€'.repeat(50000), list: Array(70000).fill(1), data: new Uint8Array(70000).fill(7) };

  assert.deepEqual(decode(encode(value)), value);
});

test('a thousand levels are taken, and a few more are an error', () => {
  let value = 1;

  for (let i = 0; i < 1000; i++) value = [value];
  assert.deepEqual(decode(encode(value)), value);
  assert.throws(() => decode(frame(Array(2000).fill(0x91), 1)), /nested/);
  assert.throws(() => encode([[...Array(100)].reduce((inner) => [inner], value)]), /deep/);
});

test('a key named __proto__ is an error and changes no prototype', () => {
  const value = JSON.parse('{"__proto__": {"evil": 1}}');

  assert.throws(() => decode(encode(value)), /__proto__/);
  assert.equal({}.evil, undefined);
  assert.deepEqual(decode(frame(0x81, 0x01, 0xa1, 0x61)), { 1: 'a' });
});

test('what is only announced allocates nothing', () => {
  const head = [0xdd, 0, 0x0f, 0x42, 0x40];

  for (const boast of [
    frame(0xdd, 255, 255, 255, 255), frame(0xdf, 255, 255, 255, 255), frame(0xdc, 255, 255, 0xc0),
    frame(Array(2000).fill(head), Array(1000000).fill(0xc0))
  ]) {
    const before = process.memoryUsage().heapUsed;

    assert.throws(() => decode(boast), /announces more/);
    assert.ok(process.memoryUsage().heapUsed - before < 20e6);
  }
});

test('what is no MessagePack is an error', () => {
  for (const wrong of [
    [], [0xc1], [0xc0, 0xc0], [0x91], [0x81, 0xa1, 0x61], [0xcb], [0xd9, 5], [0xc7, 5, 0x0d], [0xd4, 0x0d, 0x90],
    [0xd4, 0x13, 0], [0xd5, 0x0d, 0x91, 0x90], [0xd6, 0x0b, 0xd5, 0x0b, 0xd4, 0x0b], [0xd7, 0xff, 0]
  ]) {
    assert.throws(() => decode(Uint8Array.from(wrong)), Error, String(wrong));
  }
  assert.throws(() => decode('text'), /no text/);
});
