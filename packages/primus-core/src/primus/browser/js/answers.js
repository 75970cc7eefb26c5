/**
 * The answers that a client awaits of its server, and those that it owes, for plugins that ask.
 */

import { Primus } from './primus.js';
import { OPEN } from './readystates.js';

// How many answers may be awaited at a time.
const MOST_ANSWERS = 4096;
const NO_LISTENER = 'no listener';
const LISTENER_FAILED = 'the listener failed';

export class Answers {
  /**
   * @param {Primus} primus The client.
   * @param {{late: string, lost: string, failed: string, answered: string}} words The names of the
   *   errors, and what did not happen ("acknowledged").
   * @param {function(): *} nextId Gives an id for each request.
   * @param {number|false} timeout Milliseconds that an answer may take, unless its request says
   *   otherwise; falsy for as long as the connection lasts.
   */
  constructor(primus, words, nextId, timeout) {
    this._primus = primus;
    // The client, also of a stream above it.
    this._client = primus.primus || primus;
    this._words = words;
    this._nextId = nextId;
    this._timeout = timeout;
    this._pending = new Map();
    // Its own: those of the connection are cleared with it.
    this._timers = new primus.timers.constructor(primus.clock);
    // An answer is good for the connection that its request came over.
    this._epoch = 0;
    primus.on('open', () => { this._epoch += 1; });
    primus.on('close', () => this._lose(false));
    // A client that is offline has ended too, and sends later what it keeps.
    primus.on('end', () => this._lose(this._client._machine.state !== 'suspended'));
    primus.on('destroy', () => this._lose(true));
  }

  /** How many answers are awaited. */
  get size() {
    return this._pending.size;
  }

  /**
   * Sends a request, and calls `arrived(...answer)` or `failed(error)`, once.
   *
   * @param {string} request What is asked, for errors.
   * @param {function(*): boolean} send Sends the request with that id.
   */
  ask(request, send, arrived, failed, timeout = this._timeout) {
    const { _primus: primus, _client: client, _words: words } = this;
    const unsent = primus.destroyed || this.size >= MOST_ANSWERS;
    const id = this._nextId();

    if (!unsent) {
      const pending = { request, arrived, failed, place: Infinity };

      this._pending.set(id, pending);
      if (send(id) !== false) {
        // Its place among the messages that are kept, if it is one: no connection has had it yet.
        // Until it has passed the transforms, none has had it either.
        (primus._outbox || client._outbox).after(() => {
          pending.place = client._kept > client._passed ? client._kept : 0;
        });
        if (timeout && this._pending.has(id)) {
          this._timers.expect(String(id), () => {
            this._fail(id, words.late, `${request} was not ${words.answered} in time`);
          }, timeout);
        }
        return true;
      }
      this._forget(id);
    }
    failed(named(words.lost, `${request} was not sent`));
    return false;
  }

  /** As `ask`: a promise of the answer, of which there are several arguments or one. */
  answer(request, send, timeout) {
    return new Promise((resolve, reject) => {
      const arrived = (...values) => resolve(values.length > 1 ? values : values[0]);

      this.ask(request, send, arrived, reject, timeout);
    });
  }

  /** Brings an answer to the caller that awaits it, once; what that throws reaches the console. */
  arrived(id, ...answer) {
    const pending = this._forget(id);

    try {
      if (pending) pending.arrived(...answer);
    } catch (error) {
      this._primus._throwLater(error);
    }
  }

  /** Tells the caller that there will be no answer, and why. */
  fail(id, message) {
    this._fail(id, this._words.failed, message);
  }

  /**
   * Calls the listeners of an event whose sender asks for an answer.
   *
   * A listener with a parameter beyond `args` gets a function there, and answers by calling it; of
   * the others, the first that returns a value, or a promise of one, has given the answer.
   *
   * @param {string} event The name of the event; `null` when no listener may hear it.
   * @param {Array} args What its listeners get.
   * @param {function(...*): *} packet Makes the message with the answer.
   * @param {null|function(string): *} failure Makes the message that says why there is none;
   *   `null` when the sender does not understand it.
   */
  deliver(event, args, packet, failure) {
    const { _primus: primus } = this;
    const born = this._epoch;
    let spent = false;
    const send = (message) => {
      if (spent || born !== this._epoch || primus.readyState !== OPEN) return false;
      spent = true;
      return primus.write(message());
    };
    const reply = (...values) => send(() => packet(...values));
    const refuse = (text) => failure && send(() => failure(text));
    const threw = (error) => {
      const isMeant = Boolean(error) && error.name === this._words.failed;

      refuse(isMeant ? String(error.message) : LISTENER_FAILED);
      return isMeant && Boolean(failure);
    };
    const returned = (value, { length }) => {
      if (length > args.length || value === undefined) return;
      if (!value || typeof value.then !== 'function') reply(value);
      else {
        value.then((late) => { if (late !== undefined) reply(late); }, (error) => {
          if (!threw(error)) throw error;
        });
      }
    };
    const heard = event !== null && primus.deliverFor(event, [...args, reply], returned, threw);

    if (!heard) refuse(NO_LISTENER);
  }

  _forget(id) {
    const pending = this._pending.get(id);

    if (!pending) return null;
    this._timers.clear(String(id));
    this._pending.delete(id);
    return pending;
  }

  _fail(id, name, message) {
    const pending = this._forget(id);

    if (pending) pending.failed(named(name, message));
  }

  _lose(all) {
    const { answered, lost } = this._words;

    for (const [id, { request, place }] of [...this._pending]) {
      if (all || place <= this._client._passed) {
        this._fail(id, lost, `The connection went before ${request} was ${answered}`);
      }
    }
  }
}

function named(name, message) {
  return Object.assign(new Error(message), { name });
}

/** What a plugin that asks keeps of its requests. */
Primus.prototype.answers = function answers(words, nextId, timeout) {
  return new Answers(this, words, nextId, timeout);
};
