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

  /** What answers an event with a packet: works once. */
  function replier(id) {
    const born = epoch;
    let spent = false;

    return (packet) => {
      if (spent || born !== epoch || !isOpen()) return false;
      spent = true;
      return primus.write({ id, type: ACK, data: [], ...packet });
    };
  }

  /**
   * Calls the listeners of an event whose sender asks for an acknowledgement.
   *
   * A listener with a parameter beyond the arguments that were sent gets the acknowledgement, and
   * calls it; of the others, the first that returns a value, or a promise of one, has given it.
   * `fails` says that the sender understands that there will be none.
   */
  function answerFor([event, ...args], id, fails) {
    const reply = replier(id);
    const refuse = (error) => { if (fails) reply({ error }); };
    const failed = (error) => {
      const isMeant = Boolean(error) && error.name === 'AckFailed';

      refuse(isMeant ? String(error.message) : 'the listener failed');
      return isMeant && fails;
    };
    const acknowledge = (...values) => reply({ data: values });
    const returned = (value, { length }) => {
      if (length > args.length || value === undefined) return;
      if (!value || typeof value.then !== 'function') acknowledge(value);
      else {
        value.then((late) => { if (late !== undefined) acknowledge(late); }, (error) => {
          if (!failed(error)) throw error;
        });
      }
    };
    const heard = !primus.reserved(event)
      && primus.deliverFor(event, [...args, acknowledge], returned, failed);

    if (!heard) refuse('no listener');
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
    const id = expect(event, answered, reject);

    primus.write({ type: EVENT, data: [event, ...args], id, fails: true });
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
    const { type, id, data: args, error } = data;
    const wants = typeof id === 'number' && id !== 0;

    if (!wants && id) return false;
    if (type === ACK && wants) {
      if (typeof error !== 'string') answer(forget(id), args);
      else if (waiting.has(id)) fail(id, 'AckFailed', () => error);
      return true;
    }
    if (type !== EVENT || typeof args[0] !== 'string') return false;
    if (wants) answerFor(args, id, data.fails === true);
    else if (!primus.reserved(args[0])) primus.deliver(...args);
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
