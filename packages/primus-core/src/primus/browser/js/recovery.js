import { EventEmitter } from './events.js';
import { Timers, duration, systemClock } from './timers.js';

/**
 * Reconnecting with randomised exponential backoff.
 *
 * Options, all in milliseconds or text such as `'30 seconds'`: `max` and `min` delay, `retries`,
 * `factor` and `reconnect timeout` (also `timeout`), the time one attempt may take.
 *
 * Every event carries the state of the procedure: `attempt` (from 1), `retries`, `scheduled`
 * (delay of this attempt), `start`, `duration` (since the start), `min`, `max`, `factor`,
 * `timeout`. Events: `reconnect scheduled(opts)`, `reconnect(opts)`, `reconnected(opts)`,
 * `reconnect timeout(error, opts)`, `reconnect failed(error, opts)`.
 */
export class Recovery extends EventEmitter {
  constructor(options, clock) {
    super();
    const given = options || {};
    const pick = (name, otherwise) => {
      return duration(given[name] === undefined ? otherwise : given[name]);
    };

    this.clock = clock || systemClock;
    this.timers = new Timers(this.clock);
    this.attempt = null;
    this.max = pick('max', Infinity);
    this.min = pick('min', 500);
    this.retries = pick('retries', 10);
    this.factor = pick('factor', 2);
    this['reconnect timeout'] = pick('reconnect timeout', pick('timeout', 30000));
    this._trying = false;
  }

  /** Starts a procedure, or goes on with the next attempt of the one under way. */
  reconnect() {
    const opts = this.attempt || this._begin();

    if (opts.backoff) return this;
    this._trying = false;
    this.timers.clear();
    if (opts.attempt >= opts.retries) return this._fail(opts);

    opts.backoff = true;
    opts.attempt += 1;
    opts.scheduled = this._delay(opts);
    this.timers.setTimeout('reconnect', () => this._try(opts), opts.scheduled);
    this.emit('reconnect scheduled', opts);
    return this;
  }

  /** Whether a procedure is under way, be it waiting or trying. */
  reconnecting() {
    return this.attempt !== null;
  }

  /** Ends the attempt under way: successfully, or with an error, which leads to the next one. */
  reconnected(error) {
    const opts = this.attempt;

    if (!opts || !this._trying) return this;
    this._measure(opts);
    if (error) return this.reconnect();
    this.reset();
    this.emit('reconnected', opts);
    return this;
  }

  /** Stops the procedure without an event. */
  reset() {
    this.attempt = null;
    this._trying = false;
    this.timers.clear();
    return this;
  }

  destroy() {
    this.reset();
    this.removeAllListeners();
  }

  _begin() {
    this.attempt = {
      max: this.max,
      min: this.min,
      retries: this.retries,
      factor: this.factor,
      timeout: this['reconnect timeout'],
      'reconnect timeout': this['reconnect timeout'],
      start: this.clock.now(),
      duration: 0,
      attempt: 0,
      scheduled: 0,
      backoff: false
    };
    return this.attempt;
  }

  _delay(opts) {
    // The first attempt is spread, too: when a server goes, all its clients go at the same moment
    // (http://dthain.blogspot.nl/2009/02/exponential-backoff-in-distributed.html).
    const spread = (this.clock.random() + 1) * opts.min * Math.pow(opts.factor, opts.attempt - 1);

    return Math.min(Math.round(spread), opts.max);
  }

  _try(opts) {
    opts.backoff = false;
    this._measure(opts);
    this._trying = true;
    this.timers.expect('timeout', () => {
      const error = new Error('Failed to reconnect in a timely manner');

      this._measure(opts);
      this.emit('reconnect timeout', error, opts);
      if (this.attempt === opts) this.reconnected(error);
    }, opts.timeout);
    this.emit('reconnect', opts);
  }

  _fail(opts) {
    this._measure(opts);
    this.reset();
    this.emit('reconnect failed', new Error('Unable to recover'), opts);
    return this;
  }

  _measure(opts) {
    opts.duration = this.clock.now() - opts.start;
  }
}
