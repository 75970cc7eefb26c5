import { formatControl } from './protocol.js';

/**
 * The heartbeat: checks that the server is alive, and measures the latency.
 *
 * Servers from Primus 7 on, and ours, send `primus::ping::` and expect a pong; a server that
 * has been silent for `pingTimeout` is taken for lost. Given the option `ping`, the client does
 * as clients up to Primus 6 did: it pings, and expects the answer within `pong`. Without that
 * option it never pings, because newer Node servers would hand the ping to the application.
 *
 * The latency is the time from `primus::id::` to its answer, which every server understands. A
 * server that ends silent clients without pinging them has `keepAlive` compiled in: the client
 * then asks that often, and expects the answer within `pong`.
 */
export class Heartbeat {
  /**
   * @param {Primus} primus Its `timers`, `options` and `clock` are used.
   * @param {function(string): void} send Takes control text.
   * @param {function(): void} expired Called once the server is taken for lost.
   */
  constructor(primus, send, expired) {
    this._primus = primus;
    this._send = send;
    this._expired = expired;
    this._asked = null;
  }

  /** Whether the server still owes the answer to `primus::id::`. */
  get asking() {
    return this._asked !== null;
  }

  /** Starts the timers of a connection that has opened. */
  start() {
    this._asked = null;
    this._expect();
    this._schedule();
  }

  /** Answers a ping of the server with its own text. */
  ping(value) {
    this._expect();
    this._send(formatControl('pong', value));
    if (!this.asking) this.ask();
  }

  /** Takes the answer to a ping. */
  pong(value) {
    const { clock, options, timers } = this._primus;

    if (!options.ping || !timers.active('pong')) return;
    timers.clear('pong');
    this._primus.latency = Math.max(0, clock.now() - value);
    this._schedule();
  }

  /** Asks the server for the id of this connection, and starts the measurement of the latency. */
  ask() {
    this._asked = this._primus.clock.ticks();
    this._send(formatControl('id'));
  }

  /** Takes the answer to `ask`. */
  answered() {
    if (this._asked === null) return;
    if (!this._primus.options.ping) this._schedule();
    const taken = this._primus.clock.ticks() - this._asked;

    this._asked = null;
    this._primus.latency = Math.max(0, Math.round(taken * 10) / 10);
  }

  /** Stops: the connection is gone. */
  stop() {
    this._asked = null;
    this._primus.timers.clear('heartbeat', 'ping', 'pong');
  }

  _expect() {
    const { options, timers } = this._primus;

    if (options.pingTimeout) timers.expect('heartbeat', this._expired, options.pingTimeout);
  }

  _schedule() {
    const { clock, compiled, options, timers } = this._primus;

    if (!options.ping) {
      timers.clear('pong');
      if (compiled.keepAlive) timers.setTimeout('ping', () => this._keepAlive(), compiled.keepAlive);
      return;
    }
    timers.setTimeout('ping', () => {
      const now = clock.now();

      timers.expect('pong', this._expired, options.pong);
      this._primus._tell('outgoing::ping', now);
      this._send(formatControl('ping', now));
    }, options.ping);
  }

  _keepAlive() {
    const { options, timers } = this._primus;

    timers.expect('pong', this._expired, options.pong);
    this.ask();
  }
}
