/**
 * Events with acknowledgements: `primus.send(event, ...args)` and, as a promise of what was
 * acknowledged, `primus.ask(event, ...args)`.
 *
 * The option `emitter` has `timeout` (milliseconds, `false` for as long as the connection lasts;
 * 30000) and `data` (whether packets are `data` as well; `false`).
 */
export default function emitter(primus, options) {
  const EVENT = 0;
  const ACK = 1;
  const OPEN = 3;
  const { clock } = primus;
  // Its own: those of the connection are cleared with it.
  const timers = new primus.timers.constructor(clock);
  const settings = { timeout: 30000, data: false, ...options.emitter };
  const waiting = new Map();
  let lastId = 0;
  // An acknowledgement is good for the connection that its event came over.
  let epoch = 0;

  function isOpen() {
    return primus.readyState === OPEN;
  }

  function forget(id) {
    const entry = waiting.get(id);

    if (!entry) return null;
    timers.clear(String(id));
    waiting.delete(id);
    return entry;
  }

  function fail(id, name, message) {
    const { event, failed } = forget(id);
    const error = new Error(message(event));

    error.name = name;
    failed(error);
  }

  function expect(event, answered, failed) {
    const id = lastId += 1;
    const entry = { event, answered, failed, sent: isOpen() };

    waiting.set(id, entry);
    if (settings.timeout) {
      timers.expect(String(id), () => {
        fail(id, 'AckTimeout', (name) => `"${name}" was not acknowledged in time`);
      }, settings.timeout);
    }
    return id;
  }

  function lose(all) {
    for (const [id, { sent }] of [...waiting]) {
      if (all || sent) {
        fail(id, 'AckLost', (name) => `The connection went before "${name}" was acknowledged`);
      }
    }
  }

  /** What acknowledges an event: works once. */
  function acknowledge(id) {
    const born = epoch;
    let spent = false;

    return (...args) => {
      if (spent || born !== epoch || !isOpen()) return false;
      spent = true;
      return primus.write({ id, type: ACK, data: args });
    };
  }

  function sendable(event) {
    return !/^(newListener|removeListener)/.test(event);
  }

  primus.send = (event, ...args) => {
    const packet = { type: EVENT, data: [event, ...args] };

    if (!sendable(event)) return primus;
    if (typeof args[args.length - 1] === 'function') {
      const answered = packet.data.pop();

      packet.id = expect(event, answered, () => {});
    }
    primus.write(packet);
    return primus;
  };

  primus.ask = (event, ...args) => new Promise((resolve, reject) => {
    const answered = (...values) => resolve(values.length > 1 ? values : values[0]);

    if (primus.destroyed || !sendable(event)) {
      reject(Object.assign(new Error(`"${event}" was not sent`), { name: 'AckLost' }));
      return;
    }
    primus.write({ type: EVENT, data: [event, ...args], id: expect(event, answered, reject) });
  });

  /** Calls the callback that waits; what it throws reaches the console, as with listeners. */
  function answer(entry, args) {
    try {
      if (entry) entry.answered(...args);
    } catch (error) {
      clock.setTimeout(() => { throw error; }, 0);
    }
  }

  /** Hands a packet to its listeners or callback; `false` when it is none. */
  function received(data) {
    if (!data || !Array.isArray(data.data)) return false;
    const { type, id, data: args } = data;
    const wants = typeof id === 'number' && id !== 0;

    if (!wants && id) return false;
    if (type === ACK && wants) {
      answer(forget(id), args);
      return true;
    }
    if (type !== EVENT || typeof args[0] !== 'string') return false;
    if (!primus.reserved(args[0])) primus.deliver(...args, ...(wants ? [acknowledge(id)] : []));
    return true;
  }

  primus.transform('incoming', ({ data }) => !received(data) || settings.data);
  primus.on('open', () => {
    epoch += 1;
    for (const entry of waiting.values()) entry.sent = true;
  });
  primus.on('close', () => lose(false));
  primus.on('end', () => lose(true));
  primus.on('destroy', () => lose(true));
}
