import assert from 'node:assert/strict';
import test from 'node:test';

import { detectNetwork, isOnline, watchNetwork } from '../../src/primus/browser/js/network.js';
import { FakeWindow } from './fakes.js';

test('Node has no network events, and is taken for online', () => {
  assert.equal(detectNetwork(), null);
  assert.equal(isOnline(null), true);
});

test('a window that tells about its network is detected', (t) => {
  globalThis.self = new FakeWindow();
  t.after(() => { delete globalThis.self; });

  assert.equal(detectNetwork(), globalThis.self);
  assert.equal(isOnline(globalThis.self), true);
  globalThis.self.navigator.onLine = false;
  assert.equal(isOnline(globalThis.self), false);
  globalThis.self.navigator = {};
  assert.equal(detectNetwork(), null);
});

test('watching ends when asked to', () => {
  const root = new FakeWindow();
  const seen = [];
  const stop = watchNetwork(root, () => seen.push('offline'), () => seen.push('online'));

  root.report('offline');
  root.report('online');
  stop();
  root.report('offline');
  assert.deepEqual(seen, ['offline', 'online']);
  assert.deepEqual(root.listeners, {});
});
