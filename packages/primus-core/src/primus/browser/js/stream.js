import { Answers } from './answers.js';
import { EventEmitter } from './events.js';
import { Pipeline } from './pipeline.js';
import { Primus } from './primus.js';
import { CLOSED } from './readystates.js';
import { FINAL } from './state.js';

const OWN_EVENTS = ['data', 'end', 'readyStateChange'];

/** The streams of one client, which follow its state and its end. */
class Streams {
  constructor(primus) {
    this.primus = primus;
    this._streams = new Set();
    primus.on('readyStateChange', (name) => this.each((stream) => {
      stream.tell('readyStateChange', name);
    }));
    for (const event of ['end', 'destroy']) {
      primus.on(event, () => this.each((stream) => stream.finish(true)));
    }
  }

  /** Whether no message will come any more. */
  get over() {
    return FINAL.indexOf(this.primus._machine.state) >= 0;
  }

  each(fn) {
    for (const stream of [...this._streams]) fn(stream);
  }

  add(stream) {
    this._streams.add(stream);
  }

  delete(stream) {
    this._streams.delete(stream);
  }
}

/**
 * A stream of messages of one name above a client. A plugin makes the packets.
 *
 * Events: `data`, `readyStateChange`, `close`, `end`, and those of the client but `data` and `end`.
 * A plugin extends it by `transmit(data)`, which sends a message, `sendEnd` and `closed`.
 */
export class Stream extends EventEmitter {
  /** What the streams of a client have in common. */
  static of(primus) {
    return new Streams(primus);
  }

  constructor(streams) {
    super();
    const { primus } = streams;

    this.primus = primus;
    this.ended = streams.over;
    this._streams = streams;
    this._carriers = new Map();
    if (!this.ended) streams.add(this);
  }

  get readyState() {
    return this.ended ? CLOSED : this.primus.readyState;
  }

  get writable() {
    return !this.ended && this.primus.writable;
  }

  get readable() {
    return !this.ended;
  }

  /** Whether it cannot be used again, as with a client. */
  get destroyed() {
    return this.ended;
  }

  get clock() {
    return this.primus.clock;
  }

  get timers() {
    return this.primus.timers;
  }

  /** As `primus.answers`. */
  answers(words, nextId, timeout) {
    return new Answers(this, words, nextId, timeout);
  }

  /** Whether an event of the client has that name. */
  reserved(event) {
    return this.primus.reserved(event);
  }

  /** Sends a message to the other end of the stream; `false` once it has ended. */
  write(data) {
    return !this.ended && this.transmit(data);
  }

  /** Ends the stream, once everything written (and `data`) is on its way. */
  end(data) {
    if (this.ended) return this;
    if (data !== undefined) this.write(data);
    this.sendEnd();
    this.finish(false);
    return this;
  }

  /** Brings what has arrived to the listeners of `event`, as `primus.deliver`. */
  deliver(event, ...args) {
    if (!this.ended) this.tell(event, ...args);
    return false;
  }

  /** As `primus.deliverFor`. */
  deliverFor(event, args, returned, threw) {
    try {
      return !this.ended && this._callAll(event, args, returned);
    } catch (error) {
      if (!threw(error)) this.primus._throwLater(error);
      return true;
    }
  }

  /** Emits an event: what a listener throws reaches the console, but not what called it. */
  tell(event, ...args) {
    try {
      return this.dispatch(event, ...args);
    } catch (error) {
      this.primus._throwLater(error);
      return true;
    }
  }

  /** Handles the end: of the client, or of the stream alone. */
  finish(byClient) {
    if (this.ended) return;
    this.ended = true;
    this._streams.delete(this);
    this.closed();
    if (this.primus.readyState !== CLOSED) this.tell('readyStateChange', 'end');
    // A client that ends has closed before, and the stream has told it.
    if (!byClient) this.tell('close');
    this.tell('end');
    this.removeAllListeners();
  }

  /** A chain of transforms of the client, which get the stream for the client. */
  pipeline(direction, deliver) {
    const fail = (error) => this.tell('error', error) || this.primus._tellError(error);

    return new Pipeline(this, this.primus.transformers[direction], deliver, fail);
  }

  /** Sends a packet past the transforms. */
  sendPast(packet) {
    return this._streams.over ? false : (this.primus._write(packet), true);
  }

  /** For plugins: tells the other end of the end. */
  sendEnd() {}

  /** For plugins: the stream has ended. */
  closed() {}

  // -- listeners: those on the client are there as long as there are some here. An `error` that
  // nothing listens to is not an `error` that is listened to.

  _add(event, fn, context, once) {
    super._add(event, fn, context, once);
    if (this.ended || OWN_EVENTS.indexOf(event) >= 0 || this._carriers.has(event)) return this;
    if (!this.primus.reserved(event)) return this;
    const carrier = (...args) => this.tell(event, ...args);

    this._carriers.set(event, carrier);
    this.primus.on(event, carrier);
    return this;
  }

  removeAllListeners(event) {
    super.removeAllListeners(event);
    return this._stopCarrying();
  }

  _keep(event, stays) {
    super._keep(event, stays);
    return this._stopCarrying();
  }

  _stopCarrying() {
    for (const [event, carrier] of [...this._carriers]) {
      if (!this.listenerCount(event)) {
        this._carriers.delete(event);
        this.primus.off(event, carrier);
      }
    }
    return this;
  }
}

Primus.prototype.Stream = Stream;
