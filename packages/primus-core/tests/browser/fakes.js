import '../../src/primus/browser/js/answers.js';
import { Primus } from '../../src/primus/browser/js/primus.js';

/** A clock that only moves when it is told to. */
export class ManualClock {
  constructor() {
    this.time = 1000;
    this.luck = 0;
    this.waiting = [];
    this.errors = [];
    this.setTimeout = (fn, ms) => {
      const timer = { fn, at: this.time + (ms || 0) };

      this.waiting.push(timer);
      return timer;
    };
    this.clearTimeout = (timer) => {
      this.waiting = this.waiting.filter((other) => other !== timer);
    };
  }

  now() {
    return this.time;
  }

  ticks() {
    return this.time;
  }

  random() {
    return this.luck;
  }

  /** Lets the thread be busy: the time goes on, and what became due runs late, all at once. */
  block(ms) {
    this.time += ms;
    this.advance(0);
  }

  /** Moves the time on, running in order what becomes due; errors are kept in `errors`. */
  advance(ms) {
    const end = this.time + ms;

    for (;;) {
      const due = this.waiting.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];

      if (!due) break;
      this.clearTimeout(due);
      this.time = Math.max(this.time, due.at);
      try {
        due.fn();
      } catch (error) {
        this.errors.push(error);
      }
    }
    this.time = end;
  }
}

/** The window, as far as the network is concerned. */
export class FakeWindow {
  constructor() {
    this.navigator = { onLine: true };
    this.listeners = {};
  }

  addEventListener(event, fn) {
    this.listeners[event] = fn;
  }

  removeEventListener(event, fn) {
    if (this.listeners[event] === fn) delete this.listeners[event];
  }

  report(event, details) {
    if (this.listeners[event]) this.listeners[event]({ type: event, ...details });
  }
}

const EVENTS = Object.keys(Primus.prototype.reserved.events);

/**
 * A client over wires that the test holds the other end of: `wires` are those opened so far,
 * `wire` is the last one, and `log` the names of the events of Primus' own so far.
 */
export function makeClient(options, compiled) {
  const clock = new ManualClock();
  const network = new FakeWindow();
  const wires = [];
  const { prototype, ...more } = compiled || {};

  function Client(...args) {
    return Reflect.construct(Primus, args, Client);
  }
  Client.prototype = Object.create(Primus.prototype, {
    constructor: { value: Client },
    clock: { value: clock, writable: true },
    network: { value: network, writable: true },
    NETWORK_EVENTS: { value: true, writable: true },
    ark: { value: {}, writable: true },
    compiled: {
      value: {
        pingTimeout: 45000,
        encode: (value) => JSON.stringify(value),
        decode: (frame) => JSON.parse(frame),
        connect(wire) {
          wire.sent = [];
          wires.push(wire);
          return {
            send: (frame) => wire.sent.push(frame),
            close: () => { wire.hungUp = true; }
          };
        },
        ...more
      }
    }
  });
  Object.assign(Client.prototype, prototype);

  const client = new Client('http://example.org:8080/?token=1', options);
  const log = [];

  for (const event of EVENTS) client.on(event, () => log.push(event));
  return {
    client,
    clock,
    network,
    wires,
    log,
    Client,
    get wire() {
      return wires[wires.length - 1];
    },
    /** Lets the client connect and the server accept. */
    accept() {
      if (!this.wire || this.wire.closed) clock.advance(0);
      this.wire.onopen();
      return this;
    },
    /** What has been sent on the last wire, without the question for the id. */
    get sent() {
      return this.wire.sent.map((frame) => JSON.parse(frame)).filter((data) => data !== 'primus::id::');
    },
    receive(data) {
      this.wire.onmessage(JSON.stringify(data));
    }
  };
}
