/**
 * What was missed comes after a reconnect: the events `recovered({ rooms, session, missed })` and
 * `gap`, and `primus.recovered`.
 *
 * It is tracker.py, ring.py and sockets.py of the same plugin. A message behind `at` has a position
 * on the bus; all others are numbered in the session, as are those that are sent. Positions are
 * text: they are beyond what a number holds.
 */
const FIELD = '_recovery';
const PATIENCE = 5000;
const RING_MESSAGES = 256;
const RING_BYTES = 256 * 1024;
const ACK_MESSAGES = 32;
const ACK_TIME = 5000;
const TOKEN_LENGTH = 2048;

const isCount = (text) => /^[0-9]{1,15}$/.test(text);
const sizeOf = (frame) => (typeof frame === 'string' ? frame.length : frame.byteLength || 0);

/** Whether a position is behind another one. */
function isBehind(one, other) {
  return one.length === other.length ? one > other : one.length > other.length;
}

/** The newest messages that were sent, by their numbers. */
class Ring {
  constructor(sent, frames) {
    this.sent = sent;
    this._frames = [];
    this._size = 0;
    for (const frame of frames) this.add(frame);
  }

  get first() {
    return this.sent - this._frames.length;
  }

  add(frame) {
    this.sent += 1;
    this._frames.push(frame);
    this._size += sizeOf(frame);
    while (this._frames.length > RING_MESSAGES || this._size > RING_BYTES) this._drop();
  }

  acknowledge(count) {
    if (count > this.sent) return;
    while (this.first < count) this._drop();
  }

  /** The messages behind the first `count`; `null` when one is not kept any more. */
  since(count) {
    if (count < this.first || count > this.sent) return null;
    return this._frames.slice(count - this.first);
  }

  _drop() {
    this._size -= sizeOf(this._frames.shift());
  }
}

export default function recovery(primus) {
  let token = '';
  let known = [];
  let next = null;
  let handled = 0;
  let told = 0;
  let ring = new Ring(0, []);
  let sentBefore = 0;
  let isWhole = true;

  primus.recovered = null;
  primus.reserved.events.recovered = primus.reserved.events.gap = 1;

  const query = () => (token ? `${token}~${known.join(',')}~${handled}` : '1');
  const tell = (event, ...args) => {
    try {
      primus.dispatch(event, ...args);
    } catch (error) {
      primus.clock.setTimeout(() => { throw error; }, 0);
    }
  };

  const release = () => primus.releaseMessages('recovery');

  function acknowledge() {
    primus.timers.clear('recovery ack');
    if (!token || handled === told) return;
    told = handled;
    primus.sendControl('ack', String(handled));
  }

  primus.transform('incoming', function incoming() {
    // What streams above the client get has come in a packet, which was counted.
    if (this !== primus) return;
    if (next) {
      const [shard, position] = next;

      next = null;
      if (isBehind(position, known[shard])) known[shard] = position;
      return;
    }
    handled += 1;
    if (handled - told >= ACK_MESSAGES) acknowledge();
    else if (!primus.timers.active('recovery ack')) {
      primus.timers.setTimeout('recovery ack', acknowledge, ACK_TIME);
    }
  });

  primus.on('outgoing::message', (frame) => ring.add(frame));

  primus.on('outgoing::url', (address) => {
    const fields = primus.querystring(address.query || '');

    delete fields[FIELD];
    fields[FIELD] = query();
    address.query = primus.querystringify(fields);
  });

  primus.on('open', () => {
    if (token) primus.timers.expect('recovery', release, PATIENCE);
  });

  primus.on('close', () => {
    primus.timers.clear('recovery', 'recovery ack');
    next = null;
    sentBefore = ring.sent;
    if (token) primus.holdMessages('recovery');
  });

  primus.onControl('at', (value) => {
    const found = /^(?:([0-9]{1,4})\/)?([0-9]{1,30})$/.exec(value);

    if (found && Number(found[1] || 0) < known.length) next = [Number(found[1] || 0), found[2]];
  });

  primus.onControl('token', (value) => {
    const [text, positions] = value.split(' ');

    if (!text || text.length > TOKEN_LENGTH) return;
    if (!/^[0-9]{1,30}(,[0-9]{1,30}){0,63}$/.test(positions)) return;
    token = text;
    known = positions.split(',');
    next = null;
  });

  primus.onControl('ack', (value) => {
    if (isCount(value)) ring.acknowledge(Number(value));
  });

  primus.onControl('session', (value) => {
    const [goesOn, text] = value.split('.');

    if (value === 'wait') primus.timers.clear('recovery'); // it says more when it knows
    if (goesOn !== '0' && goesOn !== '1' || !isCount(text)) return;
    const count = Number(text);
    const missing = goesOn === '1' && count <= sentBefore ? ring.since(count) : null;
    const again = missing ? missing.slice(0, sentBefore - count) : [];

    if (goesOn === '0') handled = told = 0;
    isWhole = missing !== null;
    primus.sendFirst();
    // The ring has the order of this connection: what has been sent on it, and then what comes again.
    const early = ring.sent - sentBefore;
    const frames = ring.since(sentBefore) || [];

    ring = new Ring((goesOn === '1' ? count : 0) + early - frames.length, [...frames, ...again]);
    again.forEach((frame) => primus.sendAgain(frame));
    primus.timers.clear('recovery');
    release();
  });

  primus.onControl('recovered', (value) => {
    let verdict;

    try {
      verdict = JSON.parse(value);
    } catch (_error) {
      return;
    }
    if (!verdict || typeof verdict.missed !== 'number') return;
    primus.recovered = {
      rooms: verdict.rooms === true,
      session: verdict.session === true && isWhole,
      missed: verdict.missed
    };
    tell('recovered', primus.recovered);
  });

  primus.onControl('gap', () => tell('gap'));
}
