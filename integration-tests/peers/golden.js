'use strict';

/*
 * node golden.js FOLDER PARSER > golden.json
 *
 * What the parser of the Primus installed in FOLDER makes of many values, as tagged JSON: each with its frame, and
 * whether ours is only asked to decode that frame, because MessagePack and BinaryPack have several for one value.
 */
process.env.TZ = 'UTC';

const path = require('path');
const { createRequire } = require('module');
const tagged = require('./tagged.js');

const [folder, parser] = process.argv.slice(2);
const installed = createRequire(path.join(folder, 'package.json'));
const { encoder } = installed(`primus/parsers/${parser}.js`);

const text = (length) => 'x'.repeat(length);
const list = (length) => Array.from({ length }, (_, index) => index % 100);
const keys = (length) => Object.fromEntries(list(length).map((value, index) => [`key ${index}`, value]));

const EVERYWHERE = [
  null, true, false,
  0, 1, 127, 128, 255, 256, 65535, 65536, 2147483647,
  -1, -32, -33, -128, -129, -32768, -32769, -2147483648,
  1.5, -0.1, 1e-7, 123456789.125, 5e-324,
  '', 'a', text(15), text(16), text(31), text(32), text(255), text(256),
  'pongРУССКИЙ €€€', '😀'.repeat(3), '\u0000\u007f\u0080\u07ff\u0800\ufeff\uffff', 'primus::ping::1700000000000',
  [], [1], list(15), list(16), list(70), [[], [[]], [null, [false]]],
  {}, { a: 1 }, keys(15), keys(16), { '': { nested: [{ deep: { er: 'ключ' } }] } }
];
const BYTES = [Buffer.from([]), Buffer.from([0, 1, 254, 255]), Buffer.alloc(15, 7), Buffer.alloc(300, 9)];
const LARGE = [2147483648, 4294967295, 4294967296, -2147483649, 1700000000123, 2 ** 53 - 1, -(2 ** 53 - 1)];
const DATES = [new Date(0), new Date(5), new Date(-1), new Date(1700000000123), new Date(-62135596800000)];
const MIXED = { at: new Date(1700000000123), data: Buffer.from([1, 2, 3]), list: [1, 'two', null] };

const both = (values) => values.map((value) => ({ value }));
const decodes = (values) => values.map((value) => ({ value, decodes: true }));

const VECTORS = {
  msgpack: [
    ...both([...EVERYWHERE, 1e300, ...BYTES, ...DATES, Infinity, NaN, MIXED]),
    ...decodes([...LARGE.slice(2), Buffer.alloc(255, 1)]),
    // The types of JavaScript that Python has one type for.
    { value: null, of: undefined, decodes: true },
    { value: [null], of: [undefined], decodes: true },
    { value: Buffer.from([1, 2]), of: new Uint8Array([1, 2]), decodes: true },
    { value: Buffer.from([1, 2]), of: new Uint8ClampedArray([1, 2]), decodes: true },
    { value: Buffer.from([1, 2]), of: new Uint8Array([1, 2]).buffer, decodes: true },
    { value: Buffer.from([1, 2]), of: new DataView(new Uint8Array([1, 2]).buffer), decodes: true },
    { value: true, of: Object(true), decodes: true },
    { value: 'text', of: Object('text'), decodes: true },
    { value: 1.5, of: Object(1.5), decodes: true }
  ],
  ejson: both([
    ...EVERYWHERE, ...BYTES, ...LARGE, ...DATES, Infinity, -Infinity, NaN, MIXED, [NaN, { a: -Infinity }],
    { $date: 5 }, { $binary: 'AQ==' }, { $InfNaN: 1 }, { $escape: 1 }, { $escape: { $date: 1 } },
    { $type: 'a', $value: 1 }, { a: [{ $date: new Date(5) }] }, { $date: 5, more: 1 }, { $dates: 5 }, { $: 1 },
    { $type: 'a' }, [{ $escape: [{ $date: 1 }] }]
  ]),
  binary: [
    ...both([...EVERYWHERE, 2147483648, 4294967295, ...BYTES.slice(1), NaN]),
    ...decodes(LARGE.slice(2)),
    { value: null, of: undefined, decodes: true },
    { value: { a: null }, of: { a: undefined }, decodes: true },
    {
      value: 'Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)',
      of: new Date(1700000000123),
      decodes: true
    }
  ]
};

const vectors = VECTORS[parser].map((vector) => {
  encoder('of' in vector ? vector.of : vector.value, (err, frame) => {
    if (err) throw err;
    vector.frame = frame;
  });
  delete vector.of;
  return tagged.stringify(vector);
});

process.stdout.write(`[\n${vectors.join(',\n')}\n]\n`);
