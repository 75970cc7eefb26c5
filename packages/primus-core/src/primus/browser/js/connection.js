import { Closed, ofError, ofWire, spoken } from './closed.js';
import { amended, canAsk, diagnose } from './diagnosis.js';
import { Heartbeat } from './heartbeat.js';
import { MessagePath } from './messages.js';
import { watchNetwork, watchPage } from './network.js';
import { asError } from './pipeline.js';
import { CLOSED, OPEN, OPENING } from './readystates.js';
import { FINAL, Machine, OVER } from './state.js';
import { Wire } from './wire.js';

/**
 * The life of one client: does what the table in state.js says.
 *
 * What wire, recovery, heartbeat and window report are events of the table.
 */
export class Connection extends MessagePath {
  _prepare() {
    super._prepare();
    this.readyState = CLOSED;
    this._wire = this._settling = null;
    /** Why the connection has ended: a `Closed`, or `null` until it has, and while it is open. */
    this.closed = null;
    this._ending = null;
    this._openedAt = 0;
    /** The failure of a first attempt whose cause is being looked for. */
    this._doubt = null;
    this._hasAsked = false;
    this._machine = new Machine('new', (strategy) => this._has(strategy), (action, ...args) => (
      action(this, ...args)
    ));
    this._heartbeat = new Heartbeat(this, (text) => this._outbox.pass(text), () => this._silent());
    this._followRecovery();
    this._watchWindow();
  }

  get destroyed() {
    return this._machine.state === 'destroyed';
  }

  /** Whether the server has said that it closes on purpose, so that the client stays away. */
  get disconnect() {
    return this._machine.state === 'leaving';
  }

  _has(strategy) {
    return this.options.strategy.split(',').indexOf(strategy) >= 0;
  }

  // -- why

  /** Notes what ends the connection; what was noted first holds. */
  _note(ending) {
    this._ending = this._ending || ending;
  }

  /** The user ends the client: a connection that is lost already ended before. */
  _noteOwnEnd() {
    const { state } = this._machine;
    const ending = { code: 'client end' };

    if (state === 'open') this._note(ending);
    else if (UNDER_WAY.indexOf(state) >= 0) this._ending = ending;
  }

  _conclude(seconds) {
    const { code, reason, status } = this._ending || { code: 'wire lost' };

    this._ending = null;
    this.closed = new Closed(code, reason, seconds, status);
  }

  /** Tells of the end, with what has been noted since the connection was lost, if anything. */
  _emitClosed(event) {
    if (this._ending || !this.closed) this._conclude(this.closed ? this.closed.seconds : 0);
    this._tell(event, this.closed);
  }

  // -- what happens

  _failed(reason) {
    const error = spoken(asError(reason));

    if (this._doubt) return; // what follows of the same failure
    if (this._machine.state !== 'connecting' || error.critical || error.status || !canAsk(this)) {
      this._report(error);
      return;
    }
    const doubt = this._doubt = {};

    diagnose(this, (text) => {
      if (this._doubt !== doubt) return;
      this._doubt = null;
      if (text && !this.listenerCount('error')) this._warn(text);
      this._report(amended(error, text));
    });
  }

  /** A frame that is none: before the first one, what the server says it is may tell why. */
  _undecodable(error) {
    if (this._hasRead || this._hasAsked || !canAsk(this)) {
      this._tellError(error);
      return;
    }
    this._hasAsked = true;
    diagnose(this, (text) => this._tellError(amended(error, text)));
  }

  _report(error) {
    if (this.readyState === OPENING) this._ending = ofError(error);
    // A broken installation is not mended by trying again.
    if (this._machine.handle(error.critical ? 'useless' : 'failed', error)) return;
    this._tell('incoming::error', error);
    this._tell('error', error);
  }

  _lost(info) {
    const ending = ofWire(info);

    this._wire = null;
    if (this.readyState === OPEN) this._note(ending);
    if (this._machine.handle('gone', info)) return;
    this._failed(new Error('The connection was closed before it opened: ' + ending.reason));
  }

  _silent() {
    const reason = 'The server stopped answering';

    this._note({ code: 'heartbeat' });
    this._machine.handle('silent', { code: 1006, reason, clean: false });
  }

  /** Leaves the server before the page goes into the cache: it would wait for signs of life. */
  _cached() {
    if (this.readyState === OPEN) this._restored();
  }

  /** Handles that the page is back from the cache, without its connection. */
  _restored() {
    const reason = 'The page was in the back/forward cache';

    if (this.readyState === OPEN) this._note({ code: 'wire lost', reason });
    if (!this._wire || this._machine.handle('drop', { code: 1006, reason, clean: false })) return;
    this._machine.handle('failed', new Error(reason));
  }

  _network(online) {
    if (this.online === online) return;
    if (!online && OVER.indexOf(this._machine.state) < 0) this._ending = { code: 'offline' };
    this._machine.handle(online ? 'online' : 'offline');
  }

  _followRecovery() {
    const { recovery } = this;
    const leadsTo = (event) => (...args) => this._machine.handle(event, ...args);

    recovery.on('reconnect scheduled', (opts) => this._tell('reconnect scheduled', opts));
    recovery.on('reconnect', leadsTo('due'));
    recovery.on('reconnected', (opts) => this._tell('reconnected', opts));
    recovery.on('reconnect timeout', leadsTo('attempt late'));
    recovery.on('reconnect failed', (error, opts) => {
      this._ending = ofError(error);
      this._machine.handle('exhausted', error, opts);
    });
  }

  /** Also while the client is closed, so that `online` is always true to the window. */
  _watchWindow() {
    const root = this.network;

    this._watches = [];
    if (!root) return;
    this._watches.push(watchPage(root, () => this._cached(), () => this._restored()));
    if (!this.NETWORK_EVENTS) return;
    this._watches.push(watchNetwork(root, () => this._network(false), () => this._network(true)));
  }

  // -- what is done

  _become(state, name) {
    // A client whose first attempt has failed can still be written to.
    if (state === OPEN) this.writable = this.readable = true;
    else if (this.readyState === OPEN || FINAL.indexOf(this._machine.state) >= 0) this._refuse();
    if (this.readyState === state) return;
    if (state === OPEN) {
      this.closed = this._ending = null;
      this._openedAt = this.clock.ticks();
    } else if (state === CLOSED) {
      this._conclude(this.readyState === OPEN ? (this.clock.ticks() - this._openedAt) / 1000 : 0);
    }
    this.readyState = state;
    this._tell('readyStateChange', name);
  }

  _refuse() {
    this.writable = this.readable = false;
  }

  _goOnline(online) {
    if (this.online === online) return;
    this.online = online;
    this._tell(online ? 'online' : 'offline');
  }

  _startTimeout() {
    const { timeout } = this.options;

    if (!timeout) return;
    this.timers.expect('connect', () => {
      this._ending = { code: 'unreachable', reason: 'The server did not answer in time' };
      this._machine.handle('late');
    }, timeout);
  }

  _dial() {
    this._doubt = null;
    const wire = new Wire(this, {
      opened: () => this._machine.handle('opened'),
      received: (frame) => this._received(frame),
      failed: (error) => this._failed(error),
      lost: (info) => this._lost(info)
    });

    this._wire = wire;
    try {
      wire.link = this.compiled.connect(wire);
    } catch (error) {
      if (this._wire === wire) this._failed(error);
      return;
    }
    if (this._wire !== wire) {
      wire.link.close();
      return;
    }
    this.socket = wire.link.socket || wire.link;
    this._tell('outgoing::open');
  }

  _drop() {
    const wire = this._wire;

    this._doubt = null;
    this._wire = null;
    if (wire) wire.close();
  }

  /** Reports `event` once two pipelines in a row are through, but waits for no stuck one forever. */
  _settle(first, second, event) {
    const settling = this._settling = {};
    const settled = () => {
      if (this._settling !== settling) return;
      this._settling = null;
      this.timers.clear('settle');
      this._machine.handle(event);
    };

    if (!first.idle || !second.idle) {
      this.timers.expect('settle', settled, this.options.timeout || 10000);
    }
    first.after(() => second.after(settled));
  }

  _settleWritten() {
    this._refuse();
    this._flush();
    this._settle(this._outbox, this._encoding, 'settled');
  }

  _settleArrived() {
    this._settle(this._decoding, this._inbox, 'lost');
  }

  _dropInbox() {
    this._settling = null;
    this.timers.clear('settle');
    this._decoding.clear();
    this._inbox.clear();
  }

  _failWaiting() {
    this._dropFirst();
    for (const waiting of this._ids.splice(0)) {
      waiting.reject(new Error('The connection ended before the server told its id'));
    }
  }

  _emitError(error) {
    if (this._tell('error', error) || !error.critical) return;
    // A broken installation must not go unnoticed.
    this._throwLater(error);
  }

  _release() {
    for (const unwatch of this._watches) unwatch();
    this.timers.destroy();
    this.recovery.destroy();
    for (const way of [this._decoding, this._inbox, this._outbox, this._encoding]) way.clear();
    this.buffer = [];
  }

  _removeListeners() {
    this.removeAllListeners();
    this.url = this.socket = this.transport = this.transformers = null;
  }
}

// There is no connection, so what ends the client is no end of one.
const UNDER_WAY = ['scheduled', 'connecting', 'refused', 'waiting', 'retrying'];
