import assert from 'node:assert/strict';
import test from 'node:test';

import {
  basicAuthorization, defaultUrl, describeAddress, formatAddress, formatQuery, parseQuery, parseUrl, stamp
} from '../../src/primus/browser/js/url.js';
import { Wire } from '../../src/primus/browser/js/wire.js';

function address(url, options) {
  const described = describeAddress(parseUrl(url), options, '/primus');

  return formatAddress(described, options.query).replace(/_primuscb=[\w.-]+/, '_primuscb=X');
}

test('a URL is taken apart', () => {
  assert.deepEqual(parseUrl('https://me:se:cret@[::1]:8443/path?a=1#top'), {
    protocol: 'https:',
    auth: 'me:se:cret',
    username: 'me',
    password: 'se:cret',
    host: '[::1]:8443',
    hostname: '[::1]',
    port: '8443',
    pathname: '/path',
    query: '?a=1',
    hash: '#top',
    href: 'https://me:se:cret@[::1]:8443/path?a=1#top'
  });
});

const HOSTS = [
  ['http://a.example', 'http:', 'a.example'],
  ['HTTP://a.example?x', 'http:', 'a.example'],
  ['localhost:8080', 'http:', 'localhost:8080'],
  ['//a.example:1', 'http:', 'a.example:1'],
  ['/?a=1', 'http:', '127.0.0.1'],
  ['?a=1', 'http:', '127.0.0.1'],
  ['', 'http:', '127.0.0.1'],
  [undefined, 'http:', '127.0.0.1'],
  ['wss://user@a.example', 'wss:', 'a.example']
];

for (const [url, protocol, host] of HOSTS) {
  test(`${String(url)} connects to ${protocol}//${host}`, () => {
    const parsed = parseUrl(url);

    assert.deepEqual([parsed.protocol, parsed.host], [protocol, host]);
  });
}

for (const url of ['http://', 'http://:80', 'http://a b:c:d/']) {
  test(`${url} is refused by name`, () => {
    assert.throws(() => parseUrl(url), (error) => error.message.includes(`"${url}"`));
  });
}

test('the page says where to connect by default', (t) => {
  globalThis.location = { protocol: 'https:', host: 'page.example:444' };
  t.after(() => { delete globalThis.location; });

  assert.equal(defaultUrl(), 'https://page.example:444');
  assert.equal(parseUrl('other:1').protocol, 'https:');
  globalThis.location.origin = 'https://origin.example';
  assert.equal(parseUrl().host, 'origin.example');
});

test('a worker made from a blob, and a srcdoc frame, connect to the page that made them', (t) => {
  const location = { protocol: 'blob:', host: '', origin: 'http://page.example' };

  Object.assign(globalThis, { location, self: { origin: 'http://page.example' } });
  t.after(() => { for (const name of ['location', 'self', 'document']) delete globalThis[name]; });
  assert.equal(defaultUrl(), 'http://page.example');
  assert.equal(parseUrl('?a=1').host, 'page.example');

  Object.assign(location, { protocol: 'about:', origin: 'null' });
  globalThis.document = { baseURI: 'https://base.example:8443/page?a#b' };
  assert.equal(defaultUrl(), 'http://page.example');
  globalThis.self.origin = 'null';
  assert.equal(defaultUrl(), 'https://base.example:8443');

  globalThis.document.baseURI = 'about:blank';
  assert.throws(() => parseUrl(), /A page at about: has no server of its own/);
  assert.equal(parseUrl('http://a.example').host, 'a.example');
});

const ADDRESSES = [
  ['http://a:1/?x=1&y=%20', { protocol: 'ws:', query: true }, 'ws://a:1/primus?x=1&y=%20&_primuscb=X'],
  ['https://a?_primuscb=old&x=1', { protocol: 'ws:', query: true }, 'wss://a/primus?x=1&_primuscb=X'],
  ['https://u:p@a', { query: true }, 'https://u:p@a/primus?_primuscb=X'],
  ['http://a?x=1', {}, 'http://a/primus'],
  ['http://a?x=\u00e9 "\ud800&%zz&+&?&\'', { query: true },
    'http://a/primus?x=%C3%A9%20%22%EF%BF%BD&%zz&+&?&\'&_primuscb=X'],
  ['wss://a', { protocol: 'wss:' }, 'wss://a/primus'],
  ['http://a', { pathname: '/else', secure: true }, 'https://a/else']
];

for (const [url, options, expected] of ADDRESSES) {
  test(`${url} with ${JSON.stringify(options)} is opened at ${expected}`, () => {
    assert.equal(address(url, options), expected);
  });
}

test('the description of an address has its port as a number', () => {
  assert.equal(describeAddress(parseUrl('https://a'), {}, '/p').port, 443);
  assert.equal(describeAddress(parseUrl('http://a'), {}, '/p').port, 80);
  assert.equal(describeAddress(parseUrl('http://a:81'), {}, '/p').port, 81);
  assert.equal(describeAddress(parseUrl('http://a:81'), { port: 5 }, '/p').port, 5);
});

test('a query string is read and written', () => {
  const fields = parseQuery('?a=1&b=x%20y+z&a=2&c&=d&bad=%zz&__proto__=evil');

  assert.deepEqual(Object.entries(fields), [
    ['a', '1'], ['b', 'x y z'], ['c', ''], ['bad', '%zz'], ['__proto__', 'evil']
  ]);
  assert.equal(formatQuery({ a: 'x y', b: null, c: 0 }), 'a=x%20y&b=&c=0');
  assert.equal(formatQuery({ a: 1 }, true), '?a=1');
  assert.equal(formatQuery({ a: 1 }, '&'), '&a=1');
  assert.equal(formatQuery({}, true), '');
  assert.equal(formatQuery({ '\ud800': 'a\udc00b\ud83d\ude00' }), '%EF%BF%BD=a%EF%BF%BDb%F0%9F%98%80');
});

test('a stamp is short and never twice the same', () => {
  const stamps = [stamp(1700000000000), stamp(1700000000000), stamp(1700000000000), stamp(1700000000001)];

  assert.equal(new Set(stamps).size, 4);
  assert.match(stamps[0], /^\w{8}\.\w+$/);
});

const CREDENTIALS = [
  ['user:secret', 'user:secret'],
  ['user', 'user:'],
  ['u:a:b%3Ac', 'u:a:b:c'],
  ['u:%C5%82', 'u:\u00c5\u0082'],
  ['J\u00fcrgen:\u0142', 'J\u00c3\u00bcrgen:\u00c5\u0082'],
  ['u:%FF', 'u:\u00ff'],
  ['u:50%:%zz%', 'u:50%:%zz%'],
  ['u:\ud800', 'u:\u00ef\u00bf\u00bd']
];

for (const [auth, bytes] of CREDENTIALS) {
  test(`${JSON.stringify(auth)} is told as UTF-8`, () => {
    assert.equal(basicAuthorization(auth), 'Basic ' + btoa(bytes));
  });
}

test('a colon in the name of the user cannot be told', () => {
  assert.throws(() => basicAuthorization('a%3Ab:c'), /has a colon in its name/);
});

test('headers are those given, with the credentials of the URL unless there are others', () => {
  const { headers } = Wire.prototype;

  assert.deepEqual(headers({ a: 'b' }, 'http://u:p@host'), { a: 'b', Authorization: 'Basic dTpw' });
  assert.deepEqual(headers({ authorization: 'c' }, 'http://u:p@host'), { authorization: 'c' });
  assert.deepEqual(headers(undefined, 'http://host'), {});
});
