import assert from 'node:assert/strict';
import test from 'node:test';

import { detectNetwork, isOnline, watchNetwork, watchPage } from '../../src/primus/browser/js/network.js';
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

test('only a page that returns from the cache of the browser is restored', () => {
  const root = new FakeWindow();
  let restored = 0;
  const stop = watchPage(root, () => { restored += 1; });

  root.report('pageshow', { persisted: false });
  assert.equal(restored, 0);
  root.report('pageshow', { persisted: true });
  stop();
  root.report('pageshow', { persisted: true });
  assert.equal(restored, 1);
});
