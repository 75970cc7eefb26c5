/**
 * Durations written as text, and timers known by name.
 */
const FACTORS = { s: 1000, m: 60000, h: 3600000, d: 86400000 };
const DURATION = new RegExp(
  '^\\s*(\\d+(?:\\.\\d+)?)\\s*' +
  '(ms|msecs?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)?\\s*$', 'i'
);

// Browsers and Node store the delay of a timer in 31 bits; a longer one would fire at once.
const LONGEST_DELAY = 2147483647;

// Milliseconds. A timer that is this late shows that the thread has been busy.
const LATE = 5;
// How long what has arrived while the thread was busy may take to be read, and how often that is
// granted in a row.
const LONGEST_GRACE = 1000;
const GRACES = 3;

/**
 * Milliseconds of a duration: a number is taken as it is, text such as `'500 ms'`, `'30 seconds'`
 * or `'2m'` is converted. Everything else (`false`, `undefined`) is given back untouched.
 *
 * @throws {TypeError} when text is not a duration.
 */
export function duration(value) {
  if (typeof value !== 'string') return value;
  const match = DURATION.exec(value);

  if (!match) throw new TypeError('"' + value + '" is not a duration such as 500 or "30 seconds"');
  const unit = (match[2] || 'ms').toLowerCase();
  const factor = /^m(s|i?ll)/.test(unit) ? 1 : FACTORS[unit.charAt(0)];

  return parseFloat(match[1]) * factor;
}

/** The real clock. Tests put a clock of their own on `Primus.prototype.clock`. */
export const systemClock = {
  now: () => Date.now(),
  /** Milliseconds, finer than `now` where the platform can, for measuring only. */
  ticks: () => (typeof performance === 'object' ? performance.now() : Date.now()),
  random: () => Math.random(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id)
};

/** Timers by name: at most one of each name is running. */
export class Timers {
  constructor(clock) {
    this.clock = clock;
    this.timers = {};
  }

  /** Calls `fn` after `ms`; a running timer of that name is replaced. */
  setTimeout(name, fn, ms) {
    this.clear(name);
    const delay = duration(ms);
    const timer = { id: undefined };

    this.timers[name] = timer;
    if (delay > LONGEST_DELAY) return this;
    timer.id = this.clock.setTimeout(() => {
      delete this.timers[name];
      fn();
    }, delay);
    return this;
  }

  /**
   * As `setTimeout`, for what a peer owes by then.
   *
   * While the thread is busy (a long listener, a debugger), what the peer sends waits unread, and
   * an overdue timer may run first. So what waits gets a turn before `fn` judges: as long as the
   * timer is late, up to a second, and again when that turn was a long one.
   */
  expect(name, fn, ms) {
    const delay = duration(ms);
    let due = this.clock.ticks() + delay;
    let graces = 0;
    const look = () => {
      const late = Math.max(0, this.clock.ticks() - due);

      if (graces === GRACES || graces && late < LATE) {
        fn();
        return;
      }
      const grace = Math.min(late, LONGEST_GRACE);

      graces += 1;
      due = this.clock.ticks() + grace;
      this.setTimeout(name, look, grace);
    };

    return this.setTimeout(name, look, delay);
  }

  /** Whether a timer of that name is running. */
  active(name) {
    return name in this.timers;
  }

  /** Stops the named timers; without names all of them. */
  clear(...names) {
    for (const name of names.length ? names : Object.keys(this.timers)) {
      const timer = this.timers[name];

      if (!timer) continue;
      if (timer.id !== undefined) this.clock.clearTimeout(timer.id);
      delete this.timers[name];
    }
    return this;
  }

  destroy() {
    this.clear();
  }
}
