import { Heartbeat } from './heartbeat.js';
import { CLOSED, MessagePath, OPEN, OPENING } from './messages.js';
import { watchNetwork, watchPage } from './network.js';
import { asError } from './pipeline.js';
import { Wire } from './wire.js';

/**
 * The life of one client: from opening over losing to recovering.
 *
 * What a transformer reports comes in through `_opened`, `_received`, `_failed` and `_lost`. The
 * state only changes here, and every listener called on the way may itself end or open the
 * connection: whoever goes on after one looks first whether the wire is still the same.
 */
export class Connection extends MessagePath {
  _prepare() {
    super._prepare();
    this.readyState = CLOSED;
    this._wire = null;
    this._ending = null;
    this._interrupted = this._resume = this._ended = false;
    this._heartbeat = new Heartbeat(this, (text) => this._outbox.pass(text), () => this._silent());
    this._followRecovery();
    this._watchNetwork();
  }

  _state(state, name) {
    if (this.readyState === state) return;
    this.readyState = state;
    this._tell('readyStateChange', name);
  }

  /** Opens a wire in the place of whatever there was. */
  _connect() {
    this._drop();
    const wire = new Wire(this, {
      opened: () => this._opened(wire),
      received: (frame) => this._received(frame),
      failed: (error) => this._failed(wire, error),
      lost: (info) => this._lost(wire, info)
    });

    this.disconnect = this._ended = false;
    this._wire = wire;
    this._state(OPENING, 'opening');
    if (this._wire !== wire) return;
    try {
      wire.link = this.compiled.connect(wire);
    } catch (error) {
      this._failed(wire, error);
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

    this._wire = null;
    if (wire) wire.close();
  }

  _opened(wire) {
    this._tell('incoming::open');
    this.timers.clear('connect');
    this.recovery.reconnected();
    if (this._wire !== wire) return;
    this.writable = this.readable = true;
    if (!this.online) {
      this.online = true;
      this._tell('online');
    }
    if (this._wire !== wire) return;
    this._state(OPEN, 'open');
    if (this._wire !== wire) return;
    this._heartbeat.start();
    this._flush();
    this._tell('open');
    if (this._wire === wire && this.readyState === OPEN) this._heartbeat.ask();
  }

  _failed(wire, reason) {
    const connecting = this.timers.active('connect');
    const error = asError(reason);

    this._tell('incoming::error', error);
    if (this._wire !== wire) return;
    if (this.recovery.reconnecting()) {
      this._abandon();
      this.recovery.reconnected(error);
      return;
    }
    this.timers.clear('connect');
    // A broken installation must not go unnoticed, and is not mended by trying again.
    if (error.critical) {
      this.end();
      this.critical(error);
      return;
    }
    this._tell('error', error);
    if (!connecting || this._wire !== wire) return;
    this._retryOrEnd();
  }

  /** The first connection could not be made. */
  _retryOrEnd() {
    if (!this._has('timeout')) return this.end();
    this._abandon();
    return this.recovery.reconnect();
  }

  _has(strategy) {
    return this.options.strategy.split(',').indexOf(strategy) >= 0;
  }

  /** Gives up on a wire that did not open. */
  _abandon() {
    this._drop();
    this._state(CLOSED, 'end');
  }

  /** The wire is gone. What it had brought is delivered first. */
  _lost(wire, info) {
    if (this.readyState !== OPEN) {
      this._failed(wire, new Error('The connection was closed before it opened'));
      return;
    }
    this._wire = null;
    this._heartbeat.stop();
    this._tell('incoming::end', info);
    if (this.readyState !== OPEN) return;
    this._settled(this._decoding, this._inbox, () => this._recover());
  }

  /** The server has been silent for too long. */
  _silent() {
    const wire = this._wire;

    // When the window has reported offline, all this has happened already.
    if (!wire || !this.online) return;
    this.online = false;
    this._tell('offline');
    if (this._wire !== wire) return;
    this._drop();
    this._lost(wire, { code: 1006, reason: 'The server stopped answering', clean: false });
  }

  /** Calls `fn` once two pipelines in a row have run dry, but waits for no stuck one forever. */
  _settled(first, second, fn) {
    let done = false;
    const once = () => {
      if (done) return;
      done = true;
      this.timers.clear('settle');
      fn();
    };

    if (!first.idle || !second.idle) {
      this.timers.expect('settle', once, this.options.timeout || 10000);
    }
    first.after(() => second.after(once));
  }

  _recover() {
    if (this.readyState !== OPEN) return;
    if (this.disconnect || this._ending) {
      this._finish();
      return;
    }
    this._interrupted = true;
    this.writable = this.readable = false;
    this.timers.clear();
    this._state(CLOSED, 'end');
    if (this._interrupted) this._tell('close');
    if (!this._interrupted) return;
    this._interrupted = false;
    if (this._has('disconnect')) {
      this.recovery.reconnect();
    } else {
      this._tell('outgoing::end');
      this._over();
    }
  }

  /** Closes for good: nothing runs afterwards. */
  _finish() {
    this._ending = null;
    this._ended = true;
    this.disconnect = false;
    this._decoding.clear();
    this._inbox.clear();
    this.timers.clear();
    this.recovery.reset();
    this._state(CLOSED, 'end');
    this._tell('outgoing::end');
    this._drop();
    this._tell('close');
    this._over();
  }

  _over() {
    this._ended = true;
    for (const waiting of this._ids.splice(0)) {
      waiting.reject(new Error('The connection ended before the server told its id'));
    }
    this._tell('end');
  }

  _followRecovery() {
    const { recovery } = this;

    recovery.on('reconnect scheduled', (opts) => this._tell('reconnect scheduled', opts));
    recovery.on('reconnected', (opts) => this._tell('reconnected', opts));
    recovery.on('reconnect', (opts) => {
      this._tell('outgoing::reconnect');
      if (recovery.attempt !== opts) return;
      this._connect();
      this._tell('reconnect', opts);
    });
    recovery.on('reconnect timeout', (error, opts) => {
      this._abandon();
      this._tell('reconnect timeout', error, opts);
    });
    recovery.on('reconnect failed', (error, opts) => {
      this._over();
      this._tell('reconnect failed', error, opts);
    });
  }

  _watchNetwork() {
    const root = this.network;

    this._watches = [];
    if (!root) return;
    this._watches.push(watchPage(root, () => this._restored()));
    if (!this.NETWORK_EVENTS) return;
    this._watches.push(watchNetwork(root, () => this._wentOffline(), () => this._cameOnline()));
  }

  /** The page is back from the cache, without its connection. */
  _restored() {
    const wire = this._wire;
    const reason = 'The page was in the back/forward cache';

    if (this.readyState === OPEN && wire) {
      this._drop();
      this._lost(wire, { code: 1006, reason, clean: false });
    } else if (wire) {
      this._failed(wire, new Error(reason));
    }
  }

  _wentOffline() {
    if (!this.online) return;
    this.online = false;
    this._tell('offline');
    // A connection that the user has ended stays ended.
    this._resume = this._has('online') && !this._ending && (
      this.readyState !== CLOSED || this.recovery.reconnecting() || this.timers.active('open')
    );
    if (!this._ending) this._end();
    if (this._ending) this._finish();
  }

  _cameOnline() {
    if (this.online) return;
    this.online = true;
    this._tell('online');
    if (!this._resume) return;
    this._resume = this._ended = false;
    this.recovery.reconnect();
  }
}
