import { Queue } from './queue.js';

/**
 * The message transforms of one direction, and the queue that keeps their results in order.
 *
 * A transform is `fn(packet)` or `fn(packet, next)` with the connection as `this`. It may change
 * `packet.data`. With one parameter, returning exactly `false` swallows the message, and a
 * promise is waited for (what it resolves to is treated alike). With two, the message goes on
 * when `next()` is called; `next(error)` reports an error, `next(null, false)` swallows.
 *
 * While one message waits, those behind it wait as well: nothing ever overtakes.
 */
export class Pipeline {
  /**
   * @param {object} context `this` of every transform.
   * @param {Function[]} transforms The live list of transforms.
   * @param {function(*, *): void} deliver Takes `(data, raw)` of every message that came through.
   * @param {function(Error): void} fail Takes the error of a message that did not.
   */
  constructor(context, transforms, deliver, fail) {
    this._context = context;
    this._transforms = transforms;
    this._deliver = deliver;
    this._fail = fail;
    this._queue = new Queue();
    this._current = null;
    this._busy = false;
  }

  /** Whether nothing is waiting or under way. */
  get idle() {
    return !this._busy && !this._queue.length;
  }

  /** Sends a message through the transforms. `raw` is handed on beside it. */
  push(data, raw) {
    this._enqueue({ packet: { data }, raw, index: 0 });
  }

  /** Sends control text: past the transforms, but never past an earlier message. */
  pass(data) {
    this._enqueue({ packet: { data }, raw: undefined, index: Infinity });
  }

  /** Calls `fn` when everything before it is through; at once when nothing is. */
  after(fn) {
    this._enqueue({ run: fn, index: Infinity });
  }

  /** Drops what is waiting, and the message whose transform is under way. */
  clear() {
    this._queue = new Queue();
    if (this._current) this._current.dropped = true;
  }

  _enqueue(job) {
    this._queue.push(job);
    if (!this._busy) this._drain();
  }

  /** Takes on what waits, behind the job that has waited for its transform. */
  _drain(resumed) {
    this._busy = true;
    try {
      if (resumed && !this._advance(resumed)) return;
      while (this._queue.length) {
        if (!this._advance(this._queue.shift())) return;
      }
      this._busy = false;
    } catch (error) {
      this._busy = false;
      // The thrower's message is done with; those behind it must not wait for the next push.
      if (this._queue.length) Promise.resolve().then(() => this._busy || this._drain());
      throw error;
    }
  }

  /** Takes a job on from where it stands; `false` when it has to wait. */
  _advance(job) {
    this._current = job;
    while (!job.dropped && job.index < this._transforms.length) {
      const outcome = this._call(this._transforms[job.index++], job);

      if (!outcome) return false;
      this._judge(job, outcome);
    }
    this._current = null;
    if (job.run) job.run();
    else if (!job.dropped) this._deliver(job.packet.data, job.raw);
    return true;
  }

  /** Calls one transform: its outcome, or `null` when that comes later. */
  _call(fn, job) {
    let outcome = null;
    let waiting = false;
    const settle = (error, value) => {
      if (outcome) return;
      outcome = { error, swallow: value === false };
      if (!waiting) return;
      this._judge(job, outcome);
      this._drain(job);
    };

    try {
      const takesNext = fn.length > 1;
      const result = fn.call(this._context, job.packet, settle);

      if (result && typeof result.then === 'function') {
        result.then((value) => takesNext || settle(null, value), (error) => settle(asError(error)));
      } else if (!takesNext) {
        settle(null, result);
      }
    } catch (error) {
      settle(asError(error));
    }
    waiting = true;
    return outcome;
  }

  _judge(job, outcome) {
    if (outcome.error && !job.dropped) this._fail(outcome.error);
    if (outcome.error || outcome.swallow) job.dropped = true;
  }
}

/** An `Error` for whatever was thrown, rejected or reported. */
export function asError(value) {
  if (Object.prototype.toString.call(value) === '[object Error]' || value instanceof Error) {
    return value;
  }
  if (value && typeof value === 'object') {
    // Node's `ws` wraps the error in an event.
    if (value.error instanceof Error) return value.error;
    const error = new Error(value.message || value.reason || 'The connection failed');

    for (const key of Object.keys(value)) if (key !== '__proto__') error[key] = value[key];
    return error;
  }
  return new Error(value === undefined ? 'The connection failed' : String(value));
}
