import { DEVELOPING } from './developing.js';
import { EventEmitter } from './events.js';
import { Pipeline } from './pipeline.js';
import { checkMessage, checkPluginName, formatControl, parseControl } from './protocol.js';
import { Queue } from './queue.js';
import { OPEN } from './readystates.js';
import { FINAL } from './state.js';

// What a message is that goes ahead of others, and what holds those while it is on its way.
const FIRST = 'first';

/** A parser's `encode` or `decode` as a transform, which waits where it gives a promise. */
function coding(code) {
  return (packet) => {
    const result = code(packet.data);

    if (result && typeof result.then === 'function') {
      return result.then((value) => { packet.data = value; });
    }
    packet.data = result;
  };
}

/**
 * The way of a message: frame, parser, control text or incoming transforms, `data`; and back,
 * over outgoing transforms and, while the connection is not open, the buffer.
 */
export class MessagePath extends EventEmitter {
  _prepare() {
    this.writable = this.readable = true;
    this.socket = null;
    this._waiting = new Queue();
    /** What goes ahead of all that waits, on the next connection, and how much of it is on its way. */
    this._first = new Queue();
    this._leading = 0;
    /** How many messages have been kept so far. */
    this._kept = 0;
    /** What holds messages, although the client is open. */
    this._holders = new Set();
    this.latency = 0;
    this.transformers = { incoming: [], outgoing: [] };
    this._ids = [];
    /** What plugins do with their control texts, by name. */
    this._controls = new Map();
    /** Whether a frame of the server has been read. */
    this._hasRead = false;

    const { incoming, outgoing } = this.transformers;
    const { encode, decode } = this.compiled;
    const told = (error) => this._tellError(error);
    const way = (transforms, deliver, fail = told) => (
      new Pipeline(this, transforms, deliver, fail)
    );

    this._decoding = way([coding(decode)], (data, frame) => this._understood(data, frame),
      (error) => this._undecodable(error));
    this._inbox = way(incoming, (data, raw) => this._tell('data', data, raw));
    this._outbox = way(outgoing, (data, isMessage) => this._transformed(data, isMessage));
    this._ahead = way(outgoing, (data) => this._transformed(data, FIRST));
    this._encoding = way([coding(encode)], (frame, isMessage) => this._put(frame, isMessage));
  }

  /** The messages that wait for the connection to open. */
  get buffer() {
    return this._waiting.items;
  }

  set buffer(messages) {
    this._waiting = new Queue(messages);
  }

  /** How many of the messages that have been kept so far are kept no longer. */
  get _passed() {
    return this._kept - this._waiting.length;
  }

  /** Emits an event of ours: what a listener throws reaches the console, but not this path. */
  _tell(event, ...args) {
    try {
      return this.dispatch(event, ...args);
    } catch (error) {
      this._throwLater(error);
      return true;
    }
  }

  /** Emits the error of a message; without a listener it is a warning on the console. */
  _tellError(error) {
    if (this._tell('error', error)) return;
    this._warn(error.message + (DEVELOPING ? ' (an "error" that nothing listens to)' : ''));
  }

  /** Brings an error to the console, and does not end what is under way. */
  _throwLater(error) {
    this.clock.setTimeout(() => { throw error; }, 0);
  }

  /**
   * Brings what has arrived from the server to the listeners of `event`, here.
   *
   * For incoming transforms, which return what this returns: the message is then swallowed. What a
   * listener throws reaches the console, but not the transform.
   */
  deliver(event, ...args) {
    this._tell(event, ...args);
    return false;
  }

  /**
   * As `deliver`, for an event whose sender waits for an answer.
   *
   * @param {function(*, Function): void} returned Takes what each listener returns, and the listener.
   * @param {function(*): boolean} threw Takes what a listener throws, and tells whether that was an
   *   answer, which is no failure to report. The listeners behind it are not called.
   * @returns {boolean} Whether the event has listeners.
   */
  deliverFor(event, args, returned, threw) {
    try {
      return this._callAll(event, args, returned);
    } catch (error) {
      if (!threw(error)) this._throwLater(error);
      return true;
    }
  }

  _received(frame) {
    this._tell('incoming::data', frame);
    this._decoding.push(frame, frame);
  }

  _understood(data, frame) {
    this._hasRead = true;
    const control = parseControl(data);

    if (control) this._control(control.name, control.value, data);
    else this._inbox.push(data, frame);
  }

  /** Control text never reaches the user, and is not held up by messages being transformed. */
  _control(name, value, text) {
    if (name === 'ping') {
      this._tell('incoming::ping', +value);
      this._tell('outgoing::pong', +value);
      if (!this._connected()) return;
      this.online = true;
      this._heartbeat.ping(value);
    } else if (name === 'pong') {
      this._heartbeat.pong(+value);
      this._tell('incoming::pong', +value);
    } else if (name === 'id') {
      this._heartbeat.answered();
      for (const waiting of this._ids.splice(0)) waiting.resolve(value);
      this._tell('incoming::id', value);
    } else if (name === 'server') {
      if (value !== 'close') return;
      this._note({ code: 'server end' });
      this._machine.handle('server close');
    } else if (text === formatControl(name, value)) {
      this._controlOfPlugin(name, value);
    }
  }

  /** Brings control text to its plugin, behind the messages that arrived before it. */
  _controlOfPlugin(name, value) {
    const taken = this._controls.get(name);

    if (!taken) return;
    this._inbox.after(() => {
      try {
        taken(value);
      } catch (error) {
        this._throwLater(error);
      }
    });
  }

  /**
   * Lets a plugin take the control text `primus::<name>::<value>`: `fn(value)`, in its turn behind
   * the messages that arrived before it.
   */
  onControl(name, fn) {
    checkPluginName(name);
    this._controls.set(name, fn);
    return this;
  }

  /**
   * Sends control text of a plugin at once, while the connection is open. Send none before the
   * server has shown that it has the plugin: Primus for Node gives words that it does not know to
   * its `data` listeners.
   */
  sendControl(name, value) {
    checkPluginName(name);
    if (this._connected()) this._outbox.pass(formatControl(name, value));
    return this;
  }

  /** Takes what the transforms have made of a message, or control text of ours. */
  _transformed(data, kind) {
    try {
      if (kind) checkMessage(data);
    } catch (error) {
      this._tellError(error);
      return;
    }
    if (kind) this._write(data, kind === FIRST);
    // Control text is about this connection only, and waits for no message that is held.
    else if (this._connected()) this._encoding.push(data, false);
  }

  _connected() {
    return this.readyState === OPEN && this._wire !== null;
  }

  /** Sends data past the transforms, or keeps it until the connection is open. */
  _write(data, isFirst) {
    const waiting = this._waiting;

    if (isFirst) {
      this._first.push(data);
      return false;
    }
    if (!this._connected() || waiting.length || this._isHeld()) {
      waiting.push(data);
      this._kept += 1;
      while (waiting.length > this.options.queueSize) waiting.shift();
      return false;
    }
    return this._send(data);
  }

  /**
   * Keeps messages although the client is open, until `holder` releases them; for plugins. Control
   * text is sent at once, as ever, and the end of the client sends what has been kept.
   */
  holdMessages(holder = '') {
    this._holders.add(holder);
  }

  /** Sends what has been kept since `holdMessages`, unless another holder still keeps it. */
  releaseMessages(holder = '') {
    this._holders.delete(holder);
    this._flush();
  }

  _isHeld() {
    return this._holders.size > 0 && FINAL.indexOf(this._machine.state) < 0;
  }

  /**
   * Writes, without a connection, what the next one has to begin with: it goes ahead of what waits,
   * be it for a transform, and is dropped with the end of the client. For plugins with streams,
   * which end then.
   */
  writeFirst(data) {
    this._leading += 1;
    this.holdMessages(FIRST);
    this._ahead.push(data);
    this._ahead.after(() => {
      this._leading -= 1;
      if (!this._leading) this.releaseMessages(FIRST);
    });
  }

  _dropFirst() {
    this._ahead.clear();
    this._first = new Queue();
    this._leading = 0;
    this._holders.delete(FIRST);
  }

  /** Sends what `writeFirst` has been given, although messages are held; for plugins. */
  sendFirst() {
    while (this._first.length && this._connected()) this._send(this._first.shift());
  }

  _flush() {
    const waiting = this._waiting;

    if (!this._isHeld()) this.sendFirst();
    while (waiting.length && this._connected() && !this._isHeld()) this._send(waiting.shift());
  }

  _send(data) {
    this._encoding.push(data, true);
    return true;
  }

  /** Sends a frame that was sent over an earlier connection; for plugins. */
  sendAgain(frame) {
    this._encoding.after(() => this._put(frame, false));
  }

  _put(frame, isMessage) {
    // `undefined` has no JSON; like every Primus server, send no empty frames.
    if (frame === undefined || frame === null || frame === '') return;
    if (typeof frame === 'string') {
      // Line ends to JavaScript before ES2019, which would break JSONP and evaluated messages.
      frame = frame.replace(/\u2028/g, '\\u2028').replace(/\u2029/g, '\\u2029');
    }
    this._tell('outgoing::data', frame);
    const wire = this._wire;

    // A parser that gives promises may have outlasted the connection.
    if (!wire || this.readyState !== OPEN) return;
    if (isMessage) this._tell('outgoing::message', frame);
    try {
      wire.link.send(frame);
    } catch (error) {
      wire.onerror(error);
    }
  }
}
