/**
 * Network trouble on purpose, in the browser: `primus.chaos`, set by the option `chaos`.
 *
 * `delay` (milliseconds, or a pair of them) is how long each message waits, in either direction,
 * and `drop` the probability that it is lost. Both can be set at any time; `enabled = false` makes
 * peace. `delayed` and `dropped` count.
 */
export default function chaos(primus, options) {
  const { clock } = primus;
  const trouble = { enabled: true, delay: 0, drop: 0, ...options.chaos, delayed: 0, dropped: 0 };
  const timers = new Set();

  function wait(ms, fn) {
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      fn();
    }, ms);

    timers.add(timer);
  }

  function transform(packet, next) {
    const [least, most] = [].concat(trouble.delay, trouble.delay);

    if (trouble.enabled && trouble.drop > 0 && clock.random() < trouble.drop) {
      trouble.dropped += 1;
      next(null, false);
    } else if (trouble.enabled && most > 0) {
      trouble.delayed += 1;
      wait(least + clock.random() * (most - least), next);
    } else {
      next();
    }
  }

  check(trouble);
  primus.chaos = trouble;
  primus.transform('incoming', transform);
  primus.transform('outgoing', transform);
  primus.on('destroy', () => {
    timers.forEach((timer) => clock.clearTimeout(timer));
    timers.clear();
  });
}

function check({ delay, drop }) {
  const [least, most] = [].concat(delay, delay);

  if (!(Number.isFinite(least) && Number.isFinite(most) && least >= 0 && most >= least)) {
    throw new TypeError('chaos.delay must be milliseconds >= 0, or a pair such as [100, 500]');
  }
  if (!(typeof drop === 'number' && drop >= 0 && drop <= 1)) {
    throw new TypeError('chaos.drop must be a probability from 0 to 1');
  }
}
