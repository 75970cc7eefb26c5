/**
 * The event emitter that Primus is built on, also exposed as `Primus.EventEmitter`.
 *
 * Unlike Node's, an `error` event without a listener is not thrown: listening to errors is
 * optional (README of Primus, "primus.on('error')").
 */
export class EventEmitter {
  constructor() {
    this._events = new Map();
  }

  /** Adds a listener. `context` becomes its `this`; without one that is the emitter. */
  on(event, fn, context) {
    return this._add(event, fn, context, false);
  }

  /** Adds a listener that is removed before its first call. */
  once(event, fn, context) {
    return this._add(event, fn, context, true);
  }

  /** Removes one listener; without `fn` all listeners of the event. */
  off(event, fn) {
    if (fn === undefined) return this.removeAllListeners(event);
    return this._keep(event, (entry) => entry.fn !== fn);
  }

  /** Removes all listeners of one event; without an event those of all events. */
  removeAllListeners(event) {
    if (event === undefined) this._events.clear();
    else this._events.delete(event);
    return this;
  }

  /**
   * Calls the listeners in the order they were added.
   *
   * Listeners that are added or removed meanwhile count from the next emit on.
   *
   * @returns {boolean} Whether the event had listeners.
   */
  emit(event, ...args) {
    return this.dispatch(event, ...args);
  }

  /** As `emit`, and always here: a plugin may have `emit` send the event to the server. */
  dispatch(event, ...args) {
    return this._callAll(event, args, () => {});
  }

  /** Calls the listeners of an event, and `returned(value, fn)` with what each returns. */
  _callAll(event, args, returned) {
    const entries = this._events.get(event);
    if (!entries) return false;

    for (const entry of entries) {
      if (entry.once) {
        // A listener before it may have emitted the same event.
        if (entry.spent) continue;
        entry.spent = true;
        this._keep(event, (other) => other !== entry);
      }
      returned(entry.fn.apply(entry.context, args), entry.fn);
    }
    return true;
  }

  /** The listeners of an event, as a new array. */
  listeners(event) {
    return (this._events.get(event) || []).map((entry) => entry.fn);
  }

  /** How many listeners an event has. */
  listenerCount(event) {
    return (this._events.get(event) || []).length;
  }

  /** The names of the events that have listeners. */
  eventNames() {
    return Array.from(this._events.keys());
  }

  /** A function that emits `event` with its arguments; a last `parser(next, ...)` may change them. */
  emits(...args) {
    const parser = typeof args[args.length - 1] === 'function' ? args.pop() : null;

    if (!parser) return (...more) => this.emit(...args, ...more);
    return (...more) => {
      parser.call(this, (error, changed) => {
        if (error) return this.emit('error', error);
        if (changed === null) return this.emit(...args);
        return this.emit(...args, ...(changed === undefined ? more : [].concat(changed)));
      }, ...more);
      return true;
    };
  }

  _add(event, fn, context, once) {
    if (typeof fn !== 'function') throw new TypeError('The listener must be a function');
    // A new array every time: an emit that is under way keeps walking its own.
    const entries = (this._events.get(event) || []).slice();

    entries.push({ fn, once, context: context === undefined ? this : context });
    this._events.set(event, entries);
    return this;
  }

  _keep(event, stays) {
    const kept = (this._events.get(event) || []).filter(stays);

    if (kept.length) this._events.set(event, kept);
    else this._events.delete(event);
    return this;
  }
}

EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
