import { Closed } from './closed.js';
import { Connection } from './connection.js';
import { EventEmitter } from './events.js';
import { mistakes } from './mistakes.js';
import { detectNetwork, isOnline } from './network.js';
import { completeOptions } from './options.js';
import { checkMessage } from './protocol.js';
import { CLOSED, OPEN, OPENING } from './readystates.js';
import { Recovery } from './recovery.js';
import { FINAL, OVER } from './state.js';
import { Timers, systemClock } from './timers.js';
import { describeAddress, formatAddress, formatQuery, parseQuery, parseUrl } from './url.js';

const ENDED = ['stranded', 'ended'];

const own = (object, key) => Object.prototype.hasOwnProperty.call(object, key);

/** The methods of a client. Users make one with `Primus`, which needs no `new`. */
class Client extends Connection {
  constructor(address, given) {
    super();
    const bare = address && typeof address === 'object';
    const user = (bare ? address : given) || {};

    const plugins = Object.keys(this.ark);
    const named = plugins.map((name) => this.ark[name].optionNames || []);

    for (const mistake of mistakes(user, plugins.concat(...named))) this._warn(mistake);
    this.options = completeOptions(user, this.compiled.pingTimeout, this.authorization);
    this.url = this.parse(bare ? user.url || user.uri : address);
    if (!/^(https?|wss?|.*\+unix):$/.test(this.url.protocol)) {
      this._warn(`"${this.url.protocol}" is none of http, https, ws and wss: connecting without TLS`);
    }
    this.transport = this.options.transport;
    this.timers = new Timers(this.clock);
    this.recovery = new Recovery(this.options.reconnect, this.clock);
    if ('websockets' in user) this.AVOID_WEBSOCKETS = !user.websockets;
    if ('network' in user) this.NETWORK_EVENTS = user.network;
    this.online = isOnline(this.network);
    this._prepare();
    // On the next turn, so that listeners can be added and errors be heard; by way of `open`, which
    // a plugin may have wrapped.
    if (!this.options.manual) {
      this._machine.state = 'scheduled';
      this.timers.setTimeout('open', () => this.open(), 0);
    }
    for (const name of plugins) this.ark[name].call(this, this, this.options);
  }

  /** Tells the developer of a mistake, on the console. */
  _warn(text) {
    if (typeof console !== 'undefined') console.warn(`Primus: ${text}`);
  }

  /** Opens the connection; nothing happens when it is open or opening already. */
  open() {
    assertContext(this, 'open');
    if (this.destroyed) return this.critical(new Error('A destroyed Primus cannot be opened'));
    this._machine.handle('open()');
    return this;
  }

  /**
   * Sends a message, or keeps it until the connection is open; `false` once it has ended.
   *
   * Throws a `TypeError` for text that begins with `primus::`, which the server would obey.
   */
  write(data) {
    assertContext(this, 'write');
    if (FINAL.indexOf(this._machine.state) >= 0) return false;
    if (!this.transformers.outgoing.length) checkMessage(data);
    this._outbox.push(data, true);
    return true;
  }

  /** Closes the connection for good, once everything written (and `data`) is on its way. */
  end(data) {
    assertContext(this, 'end');
    const { state } = this._machine;

    // As a listener of `close` or `end` it is called with a `Closed`, which is no message.
    if (data !== undefined && !(data instanceof Closed) && state !== 'waiting' && OVER.indexOf(state) < 0) this.write(data);
    this._noteOwnEnd();
    this._machine.handle('end()');
    return this;
  }

  /** Ends the connection and lets go of everything it holds; `false` when that is done already. */
  destroy() {
    this._noteOwnEnd();
    return this._machine.handle('destroy()');
  }

  /**
   * Asks for the server's id of this connection: `fn(id)`, or a promise without `fn`, which fails
   * when the client has ended, or ends before.
   */
  id(fn) {
    assertContext(this, 'id');
    if (fn) {
      this._askId(fn, () => {});
      return this;
    }
    return new Promise((resolve, reject) => {
      if (ENDED.indexOf(this._machine.state) < 0) this._askId(resolve, reject);
      else reject(new Error('A client that has ended has no id'));
    });
  }

  _askId(resolve, reject) {
    if (this.destroyed) {
      reject(new Error('A destroyed Primus has no id'));
      return;
    }
    this._ids.push({ resolve, reject });
    // Every connection asks by itself when it opens.
    if (this.readyState === OPEN && !this._heartbeat.asking) this._heartbeat.ask();
  }

  /** Adds a transform for `incoming` or `outgoing` messages: see pipeline.js. */
  transform(type, fn) {
    assertContext(this, 'transform');
    if (type !== 'incoming' && type !== 'outgoing') {
      return this.critical(new Error('Invalid transformer type: ' + type));
    }
    const chain = this.transformers[type];
    let end = chain.length;

    // One that is marked stays behind those that are added later.
    while (!fn.isLast && end && chain[end - 1].isLast) end -= 1;
    chain.splice(end, 0, fn);
    return this;
  }

  /** The client half of a plugin, or all of them by name. */
  plugin(name) {
    assertContext(this, 'plugin');
    return name ? this.ark[name] : Object.assign({}, this.ark);
  }

  /** Whether an event belongs to Primus, so that it must not be used for anything else. */
  reserved(event) {
    return /^(incoming|outgoing)::/.test(event) || own(this.reserved.events, event);
  }

  /** Writes every message to `destination` (anything with `write` and `end`), and ends it. */
  pipe(destination, options) {
    this.on('data', (data) => destination.write(data));
    if (!options || options.end !== false) this.once('end', () => destination.end());
    return destination;
  }

  /** The URL of the next connection, for transformers: see `Wire#uri`. */
  uri(options) {
    const wanted = options || {};
    const address = describeAddress(this.url, wanted, this.pathname);

    this._tell('outgoing::url', address);
    if (!wanted.object) return formatAddress(address, wanted.query);
    if (!wanted.query) delete address.query;
    return address;
  }

  /** Emits an error that makes the client useless; throws it when `error` has no listener. */
  critical(error) {
    if (this.dispatch('error', error)) return this;
    throw error;
  }

  /** Copies the own keys of the other objects to `target`. */
  merge(target, ...others) {
    for (const other of others) {
      // An own `__proto__`, as JSON can hold, would otherwise become the target's prototype.
      for (const key of Object.keys(other || {})) if (key !== '__proto__') target[key] = other[key];
    }
    return target;
  }

  clone(object) {
    return this.merge({}, object);
  }
}

/**
 * A connection to a Primus server.
 *
 * @param {string} [url] Where the server is; the page's origin by default. No path.
 * @param {object} [options] See the table of options in the documentation. `url` may be left out.
 */
export function Primus(url, options) {
  return Reflect.construct(Client, [url, options], new.target || Primus);
}

Primus.prototype = Client.prototype;
Object.assign(Primus, {
  OPENING,
  CLOSED,
  OPEN,
  EventEmitter,
  connect: (url, options) => new Primus(url, options),
  /** Loads a module in Node; anywhere else, and when it is missing, gives `undefined`. */
  requires: () => undefined
});
Primus.require = (name) => Primus.requires(name);

Object.defineProperty(Primus.prototype, 'constructor', { value: Primus, writable: true });
Primus.prototype.reserved.events = {
  'reconnect scheduled': 1,
  'reconnect timeout': 1,
  'reconnect failed': 1,
  readyStateChange: 1,
  reconnected: 1,
  reconnect: 1,
  offline: 1,
  timeout: 1,
  destroy: 1,
  online: 1,
  error: 1,
  close: 1,
  open: 1,
  data: 1,
  end: 1
};

const network = detectNetwork();

// What the server compiles in; `compiled.js` puts the real values here.
Object.assign(Primus.prototype, {
  version: '0.0.0',
  pathname: '/primus',
  authorization: false,
  ark: Object.create(null),
  compiled: { pingTimeout: 45000 },
  clock: systemClock,
  network,
  NETWORK_EVENTS: network !== null,
  AVOID_WEBSOCKETS: false,
  parse: parseUrl,
  querystring: parseQuery,
  querystringify: formatQuery
});

function assertContext(self, method) {
  if (self instanceof Client) return;
  const error = new Error(
    'Primus#' + method + '\'s context should called with a Primus instance'
  );

  if (!self || typeof self.listeners !== 'function' || !self.listeners('error').length) throw error;
  self.emit('error', error);
}
