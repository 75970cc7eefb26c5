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

test('only a page that goes into the cache of the browser is cached, and restored', () => {
  const root = new FakeWindow();
  const seen = [];
  const stop = watchPage(root, () => seen.push('cached'), () => seen.push('restored'));

  root.report('pagehide', { persisted: false });
  root.report('pageshow', { persisted: false });
  assert.deepEqual(seen, []);
  root.report('pagehide', { persisted: true });
  root.report('pageshow', { persisted: true });
  stop();
  root.report('pagehide', { persisted: true });
  root.report('pageshow', { persisted: true });
  assert.deepEqual(seen, ['cached', 'restored']);
  assert.deepEqual(root.listeners, {});
});
