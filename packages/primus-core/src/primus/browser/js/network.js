/**
 * What the browser says about its network and the page: the `online` and `offline` events of the
 * window, and its way into the back/forward cache and back.
 */

/** The window (or worker) when it tells about its network, else `null`, as in Node. */
export function detectNetwork() {
  const root = typeof self === 'object' ? self : null;
  const known = root && root.navigator && 'onLine' in root.navigator;

  return known && typeof root.addEventListener === 'function' ? root : null;
}

/** Whether a window reports to be online; `true` without a window. */
export function isOnline(root) {
  return !root || !root.navigator || root.navigator.onLine !== false;
}

/**
 * Calls `cached` when the page goes into the back/forward cache, as far as it can be told, and
 * `restored` when it returns: connections do not outlive it, and of an HTTP request, unlike of a
 * WebSocket, the page is not told.
 *
 * @returns {function()} Stops watching.
 */
export function watchPage(root, cached, restored) {
  const hidden = (event) => { if (event.persisted) cached(); };
  const shown = (event) => { if (event.persisted) restored(); };

  root.addEventListener('pagehide', hidden, false);
  root.addEventListener('pageshow', shown, false);
  return () => {
    root.removeEventListener('pagehide', hidden, false);
    root.removeEventListener('pageshow', shown, false);
  };
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
