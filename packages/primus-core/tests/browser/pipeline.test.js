import assert from 'node:assert/strict';
import test from 'node:test';

import { Pipeline, asError } from '../../src/primus/browser/js/pipeline.js';

function make(...transforms) {
  const context = {};
  const through = [];
  const errors = [];
  const pipeline = new Pipeline(context, transforms, (data, raw) => through.push([data, raw]),
    (error) => errors.push(error.message));

  return { pipeline, context, through, errors, data: () => through.map(([data]) => data) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('without transforms a message is through at once, together with its raw text', () => {
  const { pipeline, through } = make();

  pipeline.push(1, '1');
  assert.deepEqual(through, [[1, '1']]);
  assert.equal(pipeline.idle, true);
});

test('transforms run in order on one packet, with the connection as this', () => {
  const made = make(
    function first(packet) {
      assert.equal(this, made.context);
      packet.data += 'b';
    },
    function second(packet, next) {
      assert.equal(this, made.context);
      packet.data += 'c';
      next();
    }
  );

  made.pipeline.push('a');
  assert.deepEqual(made.data(), ['abc']);
});

test('only exactly false swallows', () => {
  const { pipeline, data } = make((packet) => packet.data);

  for (const value of [0, '', null, undefined, false, true]) pipeline.push(value);
  assert.deepEqual(data(), [0, '', null, undefined, true]);
});

test('next swallows by false and reports an error', () => {
  const { pipeline, data, errors } = make((packet, next) => {
    next(packet.data === 'bad' ? new Error('refused') : null, packet.data === 'quiet' ? false : 1);
  });

  for (const value of ['bad', 'quiet', 'good']) pipeline.push(value);
  assert.deepEqual(data(), ['good']);
  assert.deepEqual(errors, ['refused']);
});

test('a transform that throws swallows its message and reports the error', () => {
  const { pipeline, data, errors } = make((packet) => {
    if (packet.data === 1) throw new Error('one');
    // eslint-disable-next-line no-throw-literal
    if (packet.data === 2) throw 'two';
  });

  for (const value of [1, 2, 3]) pipeline.push(value);
  assert.deepEqual(data(), [3]);
  assert.deepEqual(errors, ['one', 'two']);
});

test('promises are waited for, and decide like plain values', async () => {
  const { pipeline, data, errors } = make(async (packet) => {
    await turn();
    if (packet.data === 'bad') throw new Error('rejected');
    return packet.data !== 'quiet';
  });

  for (const value of ['bad', 'quiet', 'good']) pipeline.push(value);
  assert.equal(pipeline.idle, false);
  await new Promise((resolve) => pipeline.after(resolve));
  assert.deepEqual(data(), ['good']);
  assert.deepEqual(errors, ['rejected']);
});

test('an async function with next goes on when next is called, and reports its rejection', async () => {
  const nexts = [];
  const { pipeline, data, errors } = make(async (packet, next) => {
    if (packet.data === 'bad') throw new Error('rejected');
    nexts.push(next);
  });

  pipeline.push('a');
  pipeline.push('bad');
  await turn();
  assert.deepEqual(data(), []);
  nexts[0]();
  await turn();
  assert.deepEqual(data(), ['a']);
  assert.deepEqual(errors, ['rejected']);
});

test('a message never overtakes one that waits, nor does control text or what comes after', () => {
  const nexts = [];
  const { pipeline, data } = make((packet, next) => {
    if (packet.data === 'slow') nexts.push(next);
    else next();
  });

  pipeline.push('slow');
  pipeline.push('fast');
  pipeline.pass('primus::id::');
  pipeline.after(() => pipeline.push('after'));
  assert.deepEqual(data(), []);
  nexts[0]();
  assert.deepEqual(data(), ['slow', 'fast', 'primus::id::', 'after']);
  assert.equal(pipeline.idle, true);
});

test('control text is not shown to the transforms', () => {
  const { pipeline, data } = make(() => false);

  pipeline.pass('primus::pong::1');
  assert.deepEqual(data(), ['primus::pong::1']);
});

test('calling next twice counts once', () => {
  const nexts = [];
  const { pipeline, data } = make((packet, next) => nexts.push(next));

  pipeline.push(1);
  pipeline.push(2);
  nexts[0]();
  nexts[0]();
  nexts[0](new Error('late'));
  assert.deepEqual(data(), [1]);
});

test('what a transform writes comes after the message in hand', () => {
  const made = make((packet) => {
    if (packet.data === 1) made.pipeline.push(2);
  });

  made.pipeline.push(1);
  assert.deepEqual(made.data(), [1, 2]);
});

test('an exception of the receiver reaches the caller and does not stop the messages behind', async () => {
  const through = [];
  const pipeline = new Pipeline({}, [], (data) => {
    if (data === 1) {
      pipeline.push(2);
      throw new Error('listener');
    }
    through.push(data);
  }, () => {});

  assert.throws(() => pipeline.push(1), /listener/);
  await turn();
  assert.deepEqual(through, [2]);
});

test('clear drops what waits and what is under way', () => {
  const nexts = [];
  const { pipeline, data, errors } = make((packet, next) => nexts.push(next));

  pipeline.push(1);
  pipeline.push(2);
  pipeline.clear();
  nexts[0](new Error('not reported'));
  assert.deepEqual(data(), []);
  assert.deepEqual(errors, []);
  pipeline.push(3);
  nexts[1]();
  assert.deepEqual(data(), [3]);
});

test('anything becomes an Error, keeping what it tells', () => {
  const cause = new TypeError('cause');

  assert.equal(asError(cause), cause);
  assert.equal(asError({ error: cause }), cause);
  assert.equal(asError('text').message, 'text');
  assert.equal(asError(undefined).message, 'The connection failed');
  assert.equal(asError({ reason: 'gone', code: 1002 }).message, 'gone');
  assert.equal(asError({ reason: 'gone', code: 1002 }).code, 1002);
});

test('a hostile error object changes no prototype', () => {
  const error = asError(JSON.parse('{"message": "m", "__proto__": {"evil": 1}}'));

  assert.equal(error.evil, undefined);
  assert.ok(error instanceof Error);
});
