import { duration } from './timers.js';

/**
 * The options of a client with every default filled in; the given object is left alone.
 *
 * @param {object} given What the user passed.
 * @param {number|false} pingTimeout The default the server compiled in, in milliseconds.
 * @param {boolean} authorization Whether the server asks for authorization.
 */
export function completeOptions(given, pingTimeout, authorization) {
  const options = Object.assign({
    queueSize: Infinity,
    timeout: 10000,
    reconnect: {},
    strategy: [],
    transport: {}
  }, given);
  // A client that pings by itself expects nothing of the server but pongs.
  const legacy = options.ping !== undefined && options.ping !== false && options.ping !== null;

  if (options.pingTimeout === undefined) options.pingTimeout = legacy ? false : pingTimeout;
  options.ping = legacy ? duration(options.ping) : false;
  options.pong = duration(options.pong === undefined ? 10000 : options.pong);
  options.timeout = duration(options.timeout);
  options.pingTimeout = duration(options.pingTimeout);
  options.strategy = joinStrategy(options.strategy, authorization);
  return options;
}

/**
 * The reconnect strategies as lower case text, joined by commas.
 *
 * With authorization `timeout` is left out by default: a refused connection looks like one that
 * failed, so a refused client would try again and again.
 */
export function joinStrategy(strategy, authorization) {
  if (strategy === false) return '';
  const list = typeof strategy === 'string' ? strategy.split(',') : Array.from(strategy || []);

  if (!list.length) list.push('disconnect', 'online', ...(authorization ? [] : ['timeout']));
  return list.map((name) => String(name).trim().toLowerCase()).join(',');
}
