import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { ACTIONS } from '../../src/primus/browser/js/connection.js';
import { ALWAYS, FINAL, Machine, OVER, TRANSITIONS } from '../../src/primus/browser/js/state.js';

const golden = (name) => (
  JSON.parse(readFileSync(new URL(`../golden/client-${name}.json`, import.meta.url), 'utf8'))
);

test('the transitions are those of the golden file, which the client in Python has as well', () => {
  let before;
  const found = TRANSITIONS.map(({ state, event, wanted, next, actions }) => {
    const strategy = wanted || (before && `no ${before}`);

    before = wanted;
    return strategy ? { state, event, strategy, next, actions } : { state, event, next, actions };
  });

  assert.deepEqual(found, golden('transitions'));
});

for (const talk of golden('conversations')) {
  test(`a conversation: ${talk.name}`, () => {
    const during = { ...talk.during };
    const done = [];
    const machine = new Machine(talk.from, (name) => talk.strategy.split(' ').includes(name), (action) => {
      const called = during[action];

      done.push(action);
      delete during[action];
      if (called) machine.handle(called);
    });

    for (const event of talk.events) machine.handle(event);
    assert.deepEqual(done, talk.done);
    assert.equal(machine.state, talk.to);
    assert.deepEqual(during, {}, 'a listener was never called');
  });
}

test('every action of the table is known to the connection', () => {
  const events = new Set(TRANSITIONS.map(({ event }) => event));
  const named = new Set(TRANSITIONS.flatMap(({ actions }) => actions));

  assert.deepEqual([...named].filter((name) => !events.has(name)).sort(), Object.keys(ACTIONS).sort());
});

test('the states in which nothing is under way, or accepted, are those of Python', () => {
  assert.deepEqual(OVER, ['new', 'suspended', 'stranded', 'ended', 'destroyed']);
  assert.deepEqual(FINAL, ['ending', 'stranded', 'ended', 'destroyed']);
  assert.deepEqual(ALWAYS, ['emit reconnect failed']);
});

test('actions are given what the event carries, also those of an event that a row names', () => {
  const given = [];
  const machine = new Machine('open', () => true, (action, ...args) => given.push([action, ...args]));

  machine.handle('drop', { code: 1006 });
  assert.deepEqual(given.slice(0, 3), [
    ['abort the wire', { code: 1006 }], ['stop the heartbeat', { code: 1006 }],
    ['emit incoming::end', { code: 1006 }]
  ]);
});
