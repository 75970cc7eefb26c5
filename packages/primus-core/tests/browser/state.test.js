import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { emitReconnectFailed } from '../../src/primus/browser/js/actions.js';
import { ALWAYS, FINAL, Machine, OVER, ROWS, listed } from '../../src/primus/browser/js/state.js';

const OF_PYTHON_ALONE = [
  'watch the network', 'unwatch the network', 'renew the iteration', 'finish the iteration', 'read',
  'wake what waits for the opening', 'fail what waits for the opening', 'log the failure'
];
const golden = (name) => (
  JSON.parse(readFileSync(new URL(`../golden/client-${name}.json`, import.meta.url), 'utf8'))
);
/** The actions that the browser client has, by the names of their functions; events as they are. */
const named = (actions) => (
  actions.filter((words) => !OF_PYTHON_ALONE.includes(words)).map((words) => (
    EVENTS.has(words) ? words : words.replace(/\W+(\w)/g, (_, letter) => letter.toUpperCase())
  ))
);
const nameOf = (action) => (typeof action === 'string' ? action : action.name);
const EVENTS = new Set(ROWS.map(([, event]) => event));

test('the transitions are those of the golden file, which the client in Python has as well', () => {
  const found = ROWS.flatMap(([states, event, next, actions = [], wanted, otherwise, instead]) => (
    listed(states).flatMap((state) => {
      const row = { state, event, next: next || state, actions: actions.map(nameOf) };

      return !wanted ? [row] : [
        { ...row, strategy: wanted },
        { state, event, strategy: `no ${wanted}`, next: otherwise, actions: instead.map(nameOf) }
      ];
    })
  ));

  assert.deepEqual(found, golden('transitions').map((row) => ({ ...row, actions: named(row.actions) })));
});

for (const talk of golden('conversations')) {
  test(`a conversation: ${talk.name}`, () => {
    const during = Object.fromEntries(
      Object.entries(talk.during || {}).map(([words, event]) => [named([words])[0], event])
    );
    const done = [];
    const machine = new Machine(talk.from, (name) => talk.strategy.split(' ').includes(name), ({ name }) => {
      const called = during[name];

      done.push(name);
      delete during[name];
      if (called) machine.handle(called);
    });

    for (const event of talk.events) machine.handle(event);
    assert.deepEqual(done, named(talk.done));
    assert.equal(machine.state, talk.to);
    assert.deepEqual(during, {}, 'a listener was never called');
  });
}

test('the states in which nothing is under way, or accepted, are those of Python', () => {
  assert.deepEqual(OVER, ['new', 'suspended', 'stranded', 'ended', 'destroyed']);
  assert.deepEqual(FINAL, ['ending', 'stranded', 'ended', 'destroyed']);
  assert.equal(ALWAYS, emitReconnectFailed);
});

test('actions are given what the event carries, also those of an event that a row names', () => {
  const given = [];
  const machine = new Machine('open', () => true, ({ name }, ...args) => given.push([name, ...args]));

  machine.handle('drop', { code: 1006 });
  assert.deepEqual(given.slice(0, 3), [
    ['abortTheWire', { code: 1006 }], ['stopTheHeartbeat', { code: 1006 }],
    ['emitIncomingEnd', { code: 1006 }]
  ]);
});
