/**
 * Events with acknowledgements: `primus.send(event, ...args)` and, as a promise of what was
 * acknowledged, `primus.ask(event, ...args)`.
 *
 * The option `emitter` has `timeout` (milliseconds, `false` for as long as the connection lasts;
 * 30000) and `data` (whether packets are `data` as well; `false`).
 */
const EVENT = 0;
const ACK = 1;
const WORDS = {
  late: 'AckTimeout', lost: 'AckLost', failed: 'AckFailed', answered: 'acknowledged'
};

export default function emitter(primus, options) {
  const settings = { timeout: 30000, data: false, ...options.emitter };
  let lastId = 0;
  const acks = primus.answers(WORDS, () => lastId += 1, settings.timeout);

  function sendable(event) {
    return !/^(newListener|removeListener)/.test(event);
  }

  primus.send = (event, ...args) => {
    const packet = { type: EVENT, data: [event, ...args] };

    if (!sendable(event)) return primus;
    if (typeof args[args.length - 1] !== 'function') {
      primus.write(packet);
      return primus;
    }
    const answered = packet.data.pop();

    acks.ask(`"${event}"`, (id) => primus.write({ ...packet, id }), answered, () => {});
    return primus;
  };

  primus.ask = (event, ...args) => acks.answer(`"${event}"`, (id) => (
    sendable(event) && primus.write({ type: EVENT, data: [event, ...args], id, fails: true })
  ));

  /** Hands a packet to its listeners or callback; `false` when it is none. */
  function received(data) {
    if (!data || !Array.isArray(data.data)) return false;
    const { type, id, data: args, error, fails } = data;
    const wants = typeof id === 'number' && id !== 0;

    if (!wants && id) return false;
    if (type === ACK && wants) {
      if (typeof error === 'string') acks.fail(id, error);
      else acks.arrived(id, ...args);
      return true;
    }
    if (type !== EVENT || typeof args[0] !== 'string') return false;
    const isReserved = primus.reserved(args[0]);

    if (wants) {
      const acknowledgement = (...values) => ({ id, type: ACK, data: values });
      const refusal = (why) => ({ id, type: ACK, data: [], error: why });
      const [event, ...rest] = args;

      acks.deliver(isReserved ? null : event, rest, acknowledgement, fails === true ? refusal : null);
    } else if (!isReserved) {
      primus.deliver(...args);
    }
    return true;
  }

  primus.transform('incoming', ({ data }) => !received(data) || settings.data);
}
