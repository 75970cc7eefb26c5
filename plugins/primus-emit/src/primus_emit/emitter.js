/**
 * Events with acknowledgements: `primus.send(event, ...args)` and, as a promise of what was
 * acknowledged, `primus.ask(event, ...args)`.
 *
 * The option `emitter` has `timeout` (milliseconds, `false` for as long as the connection lasts;
 * 30000) and `data` (whether packets are `data` as well; `false`).
 */
const EVENT = 0;
const ACK = 1;
// How many values an event or an acknowledgement has at most: they are on the stack together, several
// times over, and a server could end a process of Node by more than that has room for.
const MOST_VALUES = 4096;
const WORDS = {
  late: 'AckTimeout', lost: 'AckLost', failed: 'AckFailed', answered: 'acknowledged'
};

export default function emitter(primus, options) {
  const settings = { timeout: 30000, data: false, ...options.emitter };
  const attach = (connection) => attachTo(connection, settings.timeout);
  const received = attach(primus);

  // For plugins with streams above the client: gives a stream `send` and `ask`.
  primus.emitter = { attach };
  primus.transform('incoming', function incoming({ data }) {
    return this !== primus || !received(data) || settings.data;
  });
}

function sendable(event) {
  return !/^(newListener|removeListener)/.test(event);
}

/**
 * Gives a client, or a stream above it, `send` and `ask`. What is returned takes each message that
 * arrives, hands a packet to its listeners or callback, and says whether it was one.
 */
function attachTo(connection, timeout) {
  let lastId = 0;
  const acks = connection.answers(WORDS, () => lastId += 1, timeout);

  connection.send = (event, ...args) => {
    const packet = { type: EVENT, data: [event, ...args] };

    if (!sendable(event)) return connection;
    if (typeof args[args.length - 1] !== 'function') {
      connection.write(packet);
      return connection;
    }
    const answered = packet.data.pop();

    acks.ask(`"${event}"`, (id) => connection.write({ ...packet, id }), answered, () => {});
    return connection;
  };

  connection.ask = (event, ...args) => acks.answer(`"${event}"`, (id) => (
    sendable(event) && connection.write({ type: EVENT, data: [event, ...args], id, fails: true })
  ));

  return (data) => {
    if (!data || !Array.isArray(data.data)) return false;
    const { type, id, data: args, error, fails } = data;
    const wants = typeof id === 'number' && id !== 0;

    if (!wants && id) return false;
    if (args.length > MOST_VALUES) {
      throw new Error(`A packet with more than ${MOST_VALUES} values is not taken`);
    }
    if (type === ACK && wants) {
      if (typeof error === 'string') acks.fail(id, error);
      else acks.arrived(id, ...args);
      return true;
    }
    if (type !== EVENT || typeof args[0] !== 'string') return false;
    const isReserved = connection.reserved(args[0]);

    if (wants) {
      const acknowledgement = (...values) => ({ id, type: ACK, data: values });
      const refusal = (why) => ({ id, type: ACK, data: [], error: why });
      const [event, ...rest] = args;

      acks.deliver(isReserved ? null : event, rest, acknowledgement, fails === true ? refusal : null);
    } else if (!isReserved) {
      connection.deliver(...args);
    }
    return true;
  };
}
