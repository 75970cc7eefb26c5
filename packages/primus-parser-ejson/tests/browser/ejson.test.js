import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { addType, decode, encode } from '../../src/primus_parser_ejson/client.js';
import tagged from '../../../../integration-tests/peers/tagged.js';

const golden = tagged.parse(readFileSync(new URL('../golden.json', import.meta.url), 'utf8'));

test('the frames of npm\'s ejson are decoded', () => {
  for (const { value, frame } of golden) {
    assert.equal(tagged.stringify(decode(frame)), tagged.stringify(value));
  }
});

test('values become the frames of npm\'s ejson', () => {
  for (const { value, frame } of golden) assert.equal(encode(value), frame);
});

test('regular expressions come back, without flags that are none', () => {
  assert.equal(encode(/a\/b/gi), '{"$regexp":"a\\\\/b","$flags":"gi"}');
  assert.deepEqual(decode(encode([/a\/b/gi])), [/a\/b/gi]);
  assert.deepEqual(decode('{"$regexp":"a","$flags":"gxigi"}'), /a/gi);
  assert.equal(encode({ $regexp: 'a', $flags: 'g' }), '{"$escape":{"$regexp":"a","$flags":"g"}}');
});

test('bytes of any kind arrive as Uint8Array', () => {
  const within = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);

  for (const value of [within, Uint8Array.of(1, 2).buffer, Buffer.from([1, 2])]) {
    assert.deepEqual(decode(encode([value])), [Uint8Array.of(1, 2)]);
  }
  const long = new Uint8Array(200000).fill(7);

  assert.deepEqual(decode(encode(long)), long);
});

test('what JSON leaves out is left out', () => {
  assert.equal(encode(undefined), undefined);
  assert.equal(encode({ a: undefined, b: [undefined, () => {}] }), '{"b":[null,null]}');
  assert.equal(encode({ toJSON: () => ({ at: new Date(5) }) }), '{"at":{"$date":5}}');
});

test('an invalid date stays one', () => {
  assert.equal(encode(new Date(NaN)), '{"$date":null}');
  assert.ok(Number.isNaN(decode('{"$date":null}').getTime()));
});

test('a key named __proto__ is dropped', () => {
  for (const frame of [
    '{"__proto__":{"evil":1},"constructor":2}',
    '{"__proto__":{"$date":5}}',
    '{"$escape":{"__proto__":{"evil":1}}}',
    '[{"a":{"__proto__":{"evil":[1]}}}]'
  ]) {
    let received = decode(frame);

    received = Array.isArray(received) ? received[0].a : received;
    assert.equal(received.evil, undefined);
    assert.equal(Object.getPrototypeOf(received), Object.prototype);
    assert.ok(!Object.keys(received).includes('__proto__'));
    assert.equal(Object.assign({}, received).evil, undefined);
  }
  assert.equal({}.evil, undefined);
  assert.deepEqual(Object.keys(decode('{"\\u005f_proto__":1,"a":{"__pr\\u006fto__":2}}').a), []);
  assert.deepEqual(decode('{"$__proto__":1,"$constructor":2}'), { $__proto__: 1, $constructor: 2 });
});

test('what is no EJSON is an error', () => {
  for (const frame of [
    '', '{', '{"$date":"x"}', '{"$date":true}', '{"$binary":5}', '{"$binary":"*"}', '{"$InfNaN":"1"}', '{"$escape":5}',
    '{"$escape":[]}', '{"$escape":null}', '{"$type":"Unknown","$value":1}', '{"$type":"__proto__","$value":1}',
    '{"$regexp":"(","$flags":""}'
  ]) {
    assert.throws(() => decode(frame), Error, frame);
  }
  assert.throws(() => decode(new Uint8Array([0x31])), /is text/);
});

test('a type of the application comes back as it went', () => {
  class Point {
    constructor(x, y) { this.x = x; this.y = y; }
    typeName() { return 'Point'; }
    toJSONValue() { return [this.x, this.y]; }
  }

  assert.equal(encode(new Point(1, 2)), '{"x":1,"y":2}');
  addType('Point', ([x, y]) => new Point(x, y));
  assert.equal(encode({ at: new Point(1, 2) }), '{"at":{"$type":"Point","$value":[1,2]}}');
  assert.deepEqual(decode('{"at":{"$type":"Point","$value":[1,2]}}'), { at: new Point(1, 2) });
  assert.throws(() => addType('Point', () => {}), /added before/);
  addType('Bag', (content) => content);
  assert.deepEqual(Object.keys(decode('{"$type":"Bag","$value":{"__proto__":{"evil":1},"a":[]}}')), ['a']);
});
