/**
 * What the browser says about its network: the `online` and `offline` events of the window.
 */

/** The window (or worker) when it tells about its network, else `null`, as in Node. */
export function detectNetwork() {
  const root = typeof self === 'object' ? self : null;
  const known = root && root.navigator && 'onLine' in root.navigator;

  return known && typeof root.addEventListener === 'function' ? root : null;
}

/** Whether a window believes to be online; without a window that is taken for granted. */
export function isOnline(root) {
  return !root || !root.navigator || root.navigator.onLine !== false;
}

/**
 * Calls `offline` and `online` as the window reports them.
 *
 * @returns {function()} Stops watching.
 */
export function watchNetwork(root, offline, online) {
  root.addEventListener('offline', offline, false);
  root.addEventListener('online', online, false);
  return () => {
    root.removeEventListener('offline', offline, false);
    root.removeEventListener('online', online, false);
  };
}
