import assert from 'node:assert/strict';
import test from 'node:test';

import { amended, differences } from '../../src/primus/browser/js/diagnosis.js';
import { makeClient } from './fakes.js';

const SPEC = { transformer: 'websockets', parser: 'json' };
const COMPILED = { transformer: 'websockets', parser: 'JSON' };

/** A client whose page can ask: `answers` are what its questions get, by URL. */
function asking(answers, compiled = COMPILED) {
  const made = makeClient({ strategy: false }, compiled);

  made.asked = [];
  made.errors = [];
  made.network.fetch = (url) => {
    const bare = url.replace(/\?.*/, '');

    made.asked.push(bare);
    return bare in answers ? Promise.resolve(answers[bare]) : Promise.reject(new TypeError('no'));
  };
  made.client.on('error', (error) => made.errors.push(error.message));
  return made;
}

const described = (spec) => ({ ok: true, status: 200, json: () => Promise.resolve(spec) });
const HTTP = 'http://example.org:8080/primus/spec';
const HTTPS = 'https://example.org:8080/primus/spec';

/** Lets the first attempt fail as a browser tells it, and all questions be answered. */
async function fail(made) {
  made.clock.advance(0);
  made.wire.onerror('The WebSocket failed');
  made.wire.onclose({ code: 1006, reason: '', clean: false });
  for (let turn = 0; turn < 20; turn += 1) await null;
}

for (const [mistake, answers, compiled, text] of [
  ['another transformer', { [HTTP]: described({ ...SPEC, transformer: 'engine.io' }) }, COMPILED,
    "the server's transformer is 'engine.io', that of this client is 'websockets'"],
  ['another parser', { [HTTP]: described({ ...SPEC, parser: 'msgpack' }) }, COMPILED,
    "the server's parser is 'msgpack', that of this client is 'JSON'"],
  ['a proxy that drops upgrades', { [HTTP]: described(SPEC) }, COMPILED,
    'the server answers /primus/spec, but takes no WebSocket: it refuses this client ' +
    '(authorization, origins), a proxy in between drops the headers Upgrade and Connection, or an ASGI application has no WebSocket route at /primus'],
  ['the same on another WebSocket', { [HTTP]: described({ ...SPEC, transformer: 'lws' }) }, COMPILED,
    'the server answers /primus/spec, but takes no WebSocket: it refuses this client ' +
    '(authorization, origins), a proxy in between drops the headers Upgrade and Connection, or an ASGI application has no WebSocket route at /primus'],
  ['a server with TLS', { [HTTPS]: described(SPEC) }, COMPILED,
    'example.org:8080 speaks TLS: connect to https:// or wss:// instead'],
  ['another pathname', { [HTTP]: { ok: false, status: 404 } }, COMPILED,
    'there is no Primus at /primus of this server']
]) {
  test(`${mistake} is named in the error`, async () => {
    const made = asking(answers, compiled);

    await fail(made);
    assert.deepEqual(made.errors, ['The WebSocket failed. ' + text]);
    assert.equal(made.client.closed.code, 'unreachable');
    assert.match(made.client.closed.reason, new RegExp(text.slice(0, 20)));
  });
}

test('a server without TLS is named in the error', async () => {
  const made = asking({ [HTTP]: described(SPEC) });

  made.client.url = made.client.parse('https://example.org:8080/');
  await fail(made);
  assert.deepEqual(made.errors, [
    'The WebSocket failed. example.org:8080 does not speak TLS: connect to http:// or ws:// instead'
  ]);
});

test('a page at https: is told that it cannot connect to http:', async () => {
  const made = asking({});

  made.network.location = { protocol: 'https:' };
  await fail(made);
  assert.deepEqual(made.errors, [
    'The WebSocket failed. a page at https: can connect to https: or wss: only'
  ]);
  assert.deepEqual(made.asked, []);
});

test('a plugin has several names', () => {
  const lacking = (theirs, ours) => (
    differences({ compiled: COMPILED, ark: { [ours]: () => {} } }, { ...SPEC, plugins: [theirs] })
  );

  for (const [theirs, ours] of [
    ['primus-emit', 'emit'], ['emit', 'Primus-Emit'], ['emit-broadcast', 'emit'],
    ['emit', 'primus-emit/broadcast'], ['backbone.primus', 'backbone']
  ]) {
    assert.equal(lacking(theirs, ours), '');
    assert.match(lacking(theirs, 'emitter'), /does not use the plugin emitter/);
  }
});

test('what does not fit is told on the console where nothing listens to error', async () => {
  const made = asking({ [HTTP]: described({ ...SPEC, parser: 'msgpack' }) });
  const said = [];

  made.client._warn = (text) => said.push(text);
  await fail(made);
  assert.deepEqual(said, []);

  const other = asking({ [HTTP]: described({ ...SPEC, parser: 'msgpack' }) });

  other.client.removeAllListeners('error');
  other.client._warn = (text) => said.push(text);
  await fail(other);
  assert.deepEqual(said, ["the server's parser is 'msgpack', that of this client is 'JSON'"]);
});

test('a server that is not there is not told on the console, which browsers do', async () => {
  const made = asking({});
  const said = [];

  made.client.removeAllListeners('error');
  made.client._warn = (text) => said.push(text);
  await fail(made);
  assert.deepEqual(said, []);
});

test('a server that is not there leaves the error as it was', async () => {
  const made = asking({});

  await fail(made);
  assert.deepEqual(made.errors, ['The WebSocket failed']);
});

test('a server that does not answer is not waited for', async () => {
  const made = asking({});

  made.network.fetch = () => new Promise(() => {});
  await fail(made);
  assert.deepEqual(made.errors, []);
  made.clock.advance(3000);
  assert.deepEqual(made.errors, ['The WebSocket failed']);
});

test('an end while the cause is looked for is the end', async () => {
  const made = asking({ [HTTP]: described(SPEC) });

  made.clock.advance(0);
  made.wire.onerror('The WebSocket failed');
  made.client.end();
  await fail(made).catch(() => {});
  assert.deepEqual(made.errors, []);
  assert.equal(made.client.closed.code, 'client end');
});

test('an attempt to reconnect asks nothing', async () => {
  const made = asking({ [HTTP]: described(SPEC) });

  made.client.options.strategy = 'disconnect';
  made.accept();
  made.wire.onclose({ code: 1006 });
  made.clock.advance(60000);
  made.wire.onerror('The WebSocket failed');
  for (let turn = 0; turn < 20; turn += 1) await null;
  assert.deepEqual(made.asked, []);
});

test('a refusal with a status has said all', async () => {
  const made = asking({ [HTTP]: described(SPEC) });

  made.clock.advance(0);
  made.wire.onerror(Object.assign(new Error('Unexpected server response: 401'), { status: 401 }));
  assert.deepEqual(made.errors, ['Unexpected server response: 401']);
  assert.deepEqual(made.asked, []);
});

test('a first frame that cannot be read names the parser of the server, once', async () => {
  const made = asking({ [HTTP]: described({ ...SPEC, parser: 'msgpack' }) });

  made.accept();
  made.wire.onmessage('\u0083');
  for (let turn = 0; turn < 20; turn += 1) await null;
  assert.match(made.errors[0], /the server's parser is 'msgpack', that of this client is 'JSON'$/);
  made.wire.onmessage('\u0083');
  assert.equal(made.asked.length, 1);
  assert.equal(made.errors.length, 2);
});

test('a frame behind one that was read is just none', async () => {
  const made = asking({ [HTTP]: described(SPEC) });

  made.accept();
  made.receive('fine');
  made.wire.onmessage('{');
  assert.equal(made.errors.length, 1);
  assert.deepEqual(made.asked, []);
});

test('a plugin that the server does not use is named', () => {
  const client = { compiled: COMPILED, ark: { emitter: 1, rooms: 1 } };

  assert.equal(differences(client, { ...SPEC, plugins: ['rooms'] }),
    'the server does not use the plugin emitter');
  assert.equal(differences(client, SPEC), '');
});

test('an error that cannot be written to gets its sentence all the same', () => {
  const error = Object.create(Error.prototype, { message: { get: () => 'no', configurable: true } });

  assert.equal(amended(error, 'It is Tuesday').message, 'no. It is Tuesday');
});
