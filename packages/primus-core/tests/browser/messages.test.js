import assert from 'node:assert/strict';
import test from 'node:test';

import { makeClient } from './fakes.js';

test('messages arrive decoded, together with the frame', () => {
  const made = makeClient().accept();
  const seen = [];

  made.client.on('data', (message, raw) => seen.push([message, raw]));
  made.wire.onmessage('{"a":1}');
  assert.deepEqual(seen, [[{ a: 1 }, '{"a":1}']]);
});

test('what was written while closed leaves in order, before what open listeners write', () => {
  const made = makeClient();

  made.client.write(1);
  made.client.on('readyStateChange', (name) => name === 'open' && made.client.write('state'));
  made.client.on('open', () => made.client.write('open'));
  made.client.write(2);
  assert.deepEqual(made.client.buffer, [1, 2]);
  made.accept();
  assert.deepEqual(made.sent, [1, 2, 'state', 'open']);
  assert.deepEqual(made.client.buffer, []);
});

test('what is written while the connection is lost leaves once it is back', () => {
  const made = makeClient().accept();

  made.wire.onclose();
  assert.equal(made.client.write('kept'), true);
  made.clock.advance(500);
  made.wire.onopen();
  assert.deepEqual(made.sent, ['kept']);
});

for (const [queueSize, kept] of [[2, [3, 4]], [0, []], [Infinity, [1, 2, 3, 4]]]) {
  test(`a queue of ${queueSize} drops the oldest`, () => {
    const made = makeClient({ queueSize });

    for (const value of [1, 2, 3, 4]) made.client.write(value);
    made.accept();
    assert.deepEqual(made.sent, kept);
  });
}

test('messages can be held while the client is open, and control text goes on', () => {
  const made = makeClient({ queueSize: 2 });

  made.client.holdMessages();
  for (const value of [1, 2, 3]) made.client.write(value);
  made.accept();
  made.client.write(4);
  assert.deepEqual(made.sent, []);
  made.wire.onmessage('"primus::ping::5"');
  assert.equal(made.wire.sent[made.wire.sent.length - 1], '"primus::pong::5"');
  made.client.releaseMessages();
  made.client.write(5);
  assert.deepEqual(made.sent, ['primus::pong::5', 3, 4, 5]);
});

test('what is held is sent before the client ends', () => {
  const made = makeClient().accept();

  made.client.holdMessages();
  made.client.write('held');
  made.client.end('last');
  assert.deepEqual(made.sent, ['held', 'last']);
});

test('messages are held until each that holds them has released them', () => {
  const made = makeClient().accept();

  made.client.holdMessages('one');
  made.client.holdMessages('two');
  made.client.write('held');
  made.client.releaseMessages('one');
  made.client.write('as well');
  assert.deepEqual(made.sent, []);
  made.client.releaseMessages('two');
  assert.deepEqual(made.sent, ['held', 'as well']);
});

test('what is written first goes ahead of all that waits, and can be sent while messages are held', () => {
  const made = makeClient().accept();
  const seen = [];

  made.client.on('outgoing::message', (frame) => seen.push(frame));
  made.wire.onclose();
  made.client.write('waits');
  made.client.writeFirst('first');
  assert.deepEqual(made.client.buffer, ['waits']);
  made.client.holdMessages();
  made.clock.advance(1000);
  made.wire.onopen();
  assert.deepEqual(made.sent, []);
  made.client.sendFirst();
  assert.deepEqual(made.sent, ['first']);
  made.client.releaseMessages();
  assert.deepEqual(made.sent, ['first', 'waits']);
  assert.deepEqual(seen, ['"first"', '"waits"']);
});

test('what is written first passes what an async transform has, and is waited for', async () => {
  const made = makeClient().accept();
  const going = [];

  made.client.transform('outgoing', () => new Promise((resolve) => going.push(resolve)));
  made.client.write('one');
  made.client.write('two');
  made.wire.onclose();
  made.client.writeFirst('first');
  made.clock.advance(1000);
  made.wire.onopen();
  const [one, first] = going;

  one();
  await turn();
  assert.deepEqual(made.sent, []);
  first();
  await turn();
  assert.deepEqual(made.sent, ['first', 'one']);
  going[2]();
  await turn();
  assert.deepEqual(made.sent, ['first', 'one', 'two']);
});

test('what is still being transformed when the client ends is not written first, and holds nothing', async () => {
  const made = makeClient().accept();
  let go;
  const slow = () => new Promise((resolve) => { go = resolve; });

  made.client.transform('outgoing', ({ data }) => (data === 'first' ? slow() : true));
  made.client.once('close', () => made.client.writeFirst('first'));
  made.network.report('offline');
  made.network.report('online');
  made.clock.advance(1000);
  made.wire.onopen();
  made.client.write('sent');
  assert.deepEqual(made.sent, ['sent']);
  go();
  await turn();
  assert.deepEqual(made.sent, ['sent']);
  made.wire.onclose();
  made.client.writeFirst('again');
  made.clock.advance(1000);
  made.wire.onopen();
  assert.deepEqual(made.sent, ['again']);
});

test('what is written first is dropped when the client ends', () => {
  const made = makeClient().accept();

  made.client.once('close', () => {
    made.client.write('waits');
    made.client.writeFirst('first');
  });
  made.network.report('offline');
  made.network.report('online');
  made.clock.advance(1000);
  made.wire.onopen();
  assert.deepEqual(made.sent, ['waits']);
});

test('a frame that is sent again keeps its place behind what is being encoded', async () => {
  const made = makeClient({}, SLOW).accept();

  made.client.write('one');
  made.client.sendAgain('"two"');
  await turn();
  assert.deepEqual(made.sent, ['one', 'two']);
});

test('the line ends of old JavaScript are escaped in text frames', () => {
  const made = makeClient().accept();

  made.client.write('a\u2028b\u2029c\u2028');
  assert.equal(made.wire.sent[made.wire.sent.length - 1], '"a\\u2028b\\u2029c\\u2028"');
});

test('binary frames pass untouched, both ways', () => {
  const bytes = new Uint8Array([1, 2, 3]).buffer;
  const made = makeClient({}, { encode: () => bytes, decode: (frame) => frame }).accept();
  let seen;

  made.client.on('data', (data) => { seen = data; });
  made.client.write('x');
  made.wire.onmessage(bytes);
  assert.equal(made.wire.sent[made.wire.sent.length - 1], bytes);
  assert.equal(seen, bytes);
});

/** Lets what promises wait for happen. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const SLOW = {
  encode: async (value) => JSON.stringify(value),
  decode: async (frame) => JSON.parse(frame)
};

test('a parser may give promises, and messages and control text keep their order', async () => {
  const made = makeClient({}, SLOW).accept();
  const seen = [];

  made.client.on('data', (message, raw) => seen.push([message, raw]));
  made.client.on('incoming::ping', (time) => seen.push(time));
  for (const message of ['first', 'primus::ping::7', 'second']) made.receive(message);
  made.client.write(1);
  made.client.write(2);
  assert.deepEqual([seen, made.sent], [[], []]);
  await turn();
  assert.deepEqual(seen, [['first', '"first"'], 7, ['second', '"second"']]);
  assert.deepEqual(made.sent, [1, 2, 'primus::pong::7']);
});

test('a parser that rejects is an error, and the next message arrives', async () => {
  const made = makeClient({}, SLOW).accept();
  const seen = [];

  made.client.on('error', (error) => seen.push(error.name));
  made.client.on('data', (message) => seen.push(message));
  made.wire.onmessage('{');
  made.receive('next');
  await turn();
  assert.deepEqual(seen, ['SyntaxError', 'next']);
});

test('what a slow parser has begun is done before the connection ends', async () => {
  const made = makeClient({}, SLOW).accept();

  await turn();
  made.client.end('last words');
  assert.equal(made.wire.hungUp, undefined);
  await turn();
  assert.deepEqual([made.sent, made.wire.hungUp], [['last words'], true]);
});

test('what arrived before the wire went is decoded before the connection is lost', async () => {
  const made = makeClient({}, SLOW).accept();

  await turn();
  made.receive('primus::server::close');
  made.wire.onclose();
  await turn();
  assert.equal(made.log.pop(), 'end');
  assert.equal(made.log.indexOf('reconnect scheduled'), -1);
});

test('what was encoded for too long goes nowhere once the connection is gone', async () => {
  let encoded;
  const encode = () => new Promise((resolve) => { encoded = resolve; });
  const made = makeClient({ timeout: 1000 }, { encode }).accept();

  made.client.end('never');
  made.clock.advance(1000);
  assert.equal(made.wire.hungUp, true);
  encoded('too late');
  await turn();
  assert.deepEqual(made.wire.sent, []);
});

test('what has no frame is not sent', () => {
  const made = makeClient().accept();

  made.client.write(undefined);
  made.client.write(() => {});
  assert.deepEqual(made.sent, []);
});

test('a message that cannot be encoded, or decoded, is an error and nothing else', () => {
  const made = makeClient().accept();
  const errors = [];
  const circular = {};

  circular.circular = circular;
  made.client.on('error', (error) => errors.push(error.message));
  assert.equal(made.client.write(circular), true);
  made.wire.onmessage('{');
  made.client.write('next');
  assert.equal(errors.length, 2);
  assert.match(errors[0], /circular/);
  assert.match(errors[1], /JSON/);
  assert.deepEqual(made.sent, ['next']);
});

test('a wire that cannot send is an error', () => {
  const made = makeClient().accept();

  made.wire.link.send = () => { throw new Error('full'); };
  made.client.write(1);
  assert.equal(made.log.pop(), 'error');
});

test('control text never reaches the user, even when it is unknown', () => {
  const made = makeClient().accept();

  for (const text of ['primus::ping::1', 'primus::pong::1', 'primus::id::x', 'primus::new::x', 'primus::']) {
    made.receive(text);
  }
  made.receive({ text: 'primus::' });
  assert.equal(made.log.filter((name) => name === 'data').length, 1);
});

test('control text of a plugin reaches it in its place, and no listener', async () => {
  const made = makeClient().accept();
  const story = [];
  let go;

  made.client.transform('incoming', (packet, next) => {
    story.push(packet.data);
    if (packet.data === 1) go = next;
    else next();
  });
  made.client.onControl('word', (value) => story.push(['word', value]));
  for (const data of [1, 'primus::word::a::b', 'primus::other::x', 'primus::word', 'primus::wordx', 2]) {
    made.receive(data);
  }
  assert.deepEqual(story, [1]);
  go();
  assert.deepEqual(story, [1, ['word', 'a::b'], 2]);
  assert.equal(made.log.filter((name) => name === 'data').length, 2);
});

test('what a plugin throws at control text reaches the console, and stops nothing', () => {
  const made = makeClient().accept();

  made.client.onControl('word', () => { throw new Error('broken'); });
  made.receive('primus::word::x');
  made.receive(1);
  made.clock.advance(0);
  assert.deepEqual(made.clock.errors.map(String), ['Error: broken']);
  assert.equal(made.log.pop(), 'data');
});

test('control text of a plugin is sent while the connection is open only', () => {
  const made = makeClient();

  made.client.sendControl('word', 'early');
  made.accept();
  made.client.sendControl('word', 'a::b').sendControl('word');
  assert.deepEqual(made.wire.sent.slice(1), ['"primus::word::a::b"', '"primus::word::"']);
});

test('a name of the core, or none at all, names no control text of a plugin', () => {
  const { client } = makeClient().accept();

  for (const name of ['ping', 'pong', 'id', 'server', '', 'a:b', 'Word', '9']) {
    assert.throws(() => client.onControl(name, () => {}), { name: 'TypeError' });
    assert.throws(() => client.sendControl(name), { name: 'TypeError', message: /cannot name/ });
  }
});

test('keys named __proto__ in messages change no prototype', () => {
  const made = makeClient().accept();
  let seen;

  made.client.on('data', (data) => { seen = data; });
  made.wire.onmessage('{"__proto__": {"evil": 1}}');
  assert.equal({}.evil, undefined);
  assert.equal(made.client.merge({}, seen).evil, undefined);
  assert.equal(made.client.clone(seen).evil, undefined);
  assert.deepEqual(made.client.clone({ a: 1 }), { a: 1 });
});

test('transforms change, swallow and delay messages in both directions', async () => {
  const made = makeClient().accept();
  const seen = [];

  made.client.on('data', (data, raw) => seen.push([data, raw]));
  made.client
    .transform('outgoing', function sync(packet) {
      assert.equal(this, made.client);
      packet.data = { out: packet.data };
      return packet.data.out !== 'secret';
    })
    .transform('incoming', async (packet) => {
      packet.data = { in: packet.data };
    });
  made.client.write('secret');
  made.client.write(1);
  made.receive(2);
  made.receive('primus::ping::9');
  await new Promise((resolve) => setImmediate(resolve));

  assert.deepEqual(made.sent, [{ out: 1 }, 'primus::pong::9']);
  assert.deepEqual(seen, [[{ in: 2 }, '2']]);
});

test('a transform runs when the message is written, not when it leaves', () => {
  const made = makeClient();
  let runs = 0;

  made.client.transform('outgoing', () => { runs += 1; });
  made.client.write(1);
  assert.equal(runs, 1);
  made.accept();
  assert.equal(runs, 1);
});

test('an error of a transform is emitted', () => {
  const made = makeClient().accept();
  let message;

  made.client.on('error', (error) => { message = error.message; });
  made.client.transform('incoming', (packet, next) => next(new Error('no')));
  made.receive(1);
  assert.equal(message, 'no');
});

test('there are transforms of two types', () => {
  const { client } = makeClient();

  client.removeAllListeners('error');
  assert.throws(() => client.transform('sideways', () => {}), /transformer type: sideways/);
});

test('pipe writes every message to its destination and ends it', () => {
  const made = makeClient().accept();
  const seen = [];
  const destination = { write: (data) => seen.push(data), end: () => seen.push('end') };

  assert.equal(made.client.pipe(destination), destination);
  made.client.pipe({ write: () => {}, end: () => assert.fail() }, { end: false });
  made.receive(1);
  made.client.end();
  assert.deepEqual(seen, [1, 'end']);
});

test('what a transform delivers reaches the listeners of that event only', () => {
  const made = makeClient().accept();
  const seen = [];

  made.client.emit = () => seen.push('sent');
  made.client.transform('incoming', ({ data }) => !data.news || made.client.deliver('news', data.news));
  made.client.on('news', () => { throw new Error('a listener'); });
  made.client.on('news', (text) => seen.push(text));
  made.client.on('data', (data) => seen.push(data));
  made.receive({ news: 'one' });
  made.receive('two');
  made.clock.advance(0);

  assert.deepEqual(seen, ['two']);
  assert.deepEqual(made.clock.errors.map((error) => error.message), ['a listener']);
});

/** A client without a listener of `error`, and what it says on the console. */
function unheard() {
  const said = [];
  const made = makeClient({}, { prototype: { _warn: (text) => said.push(text) } }).accept();

  made.client.removeAllListeners('error');
  return { ...made, said, client: made.client, wire: made.wire };
}

const UNHEARD = ' (an "error" that nothing listens to)';

for (const [what, cause, text] of [
  ['a value that cannot be encoded', ({ client }) => client.write({ id: 1n }), 'Do not know how to serialize a BigInt'],
  ['a frame that cannot be decoded', ({ wire }) => wire.onmessage('{'), /JSON/],
  ['an outgoing transform that throws', ({ client }) => {
    client.transform('outgoing', () => { throw new Error('too late'); });
    client.write(1);
  }, 'too late'],
  ['an incoming transform that throws', ({ client, wire }) => {
    client.transform('incoming', () => { throw new Error('too soon'); });
    wire.onmessage('1');
  }, 'too soon'],
  ['a transform that makes control text', ({ client }) => {
    client.transform('outgoing', (packet) => { packet.data = 'primus::id::'; });
    client.write(1);
  }, /cannot be sent/]
]) {
  test(`${what} is told on the console where nothing listens to error`, () => {
    const made = unheard();

    cause(made);
    assert.equal(made.said.length, 1);
    assert.ok(made.said[0].endsWith(UNHEARD));
    if (text instanceof RegExp) assert.match(made.said[0], text);
    else assert.equal(made.said[0], text + UNHEARD);
  });
}

test('what is listened to is not told on the console', () => {
  const made = unheard();
  const seen = [];

  made.client.on('error', (error) => seen.push(error.message));
  made.client.write(1n);
  assert.deepEqual(seen, ['Do not know how to serialize a BigInt']);
  assert.deepEqual(made.said, []);
});
