/**
 * The states of a client as one table: what happens, what comes of it, and what is done (pure).
 *
 * It is the table of client/state.py, which describes the words, and in the same order: both are
 * compared with the golden files in tests/golden/.
 *
 * Any action may call listeners, and any listener may end or open the connection. An event that
 * leads to actions while others run takes the place of what is left of those: see `Machine`.
 */
const BEGIN = 'cancel the turn, reset the recovery, stop dialling, close the wire, ' +
  'renew the iteration, watch the network, start the connect timeout, become opening, dial';
const ARRIVE = 'go online, become open, start the heartbeat, send the queue, ' +
  'wake what waits for the opening, emit open, ask for the id, read';
const HALT = 'cancel the turn, stop the connect timeout, reset the recovery, stop the heartbeat, ' +
  'stop dialling, drop the inbox, close the wire, become closed, emit outgoing::end, emit close';
const DEPART = 'stop the heartbeat, emit incoming::end, deliver what has arrived';
const INTERRUPT = 'become closed, emit close';
const STAY_AWAY = 'fail what waits for the connection, finish the iteration, emit end';
const CONCLUDE = `unwatch the network, ${STAY_AWAY}`;
const FINISH = `${HALT}, ${CONCLUDE}`;
const RELEASE = 'release what is held, emit destroy, remove all listeners';
const REJECT = 'emit incoming::error, fail what waits for the opening, emit error, end()';

const UNOPENED = 'scheduled, connecting, refused, retrying';
const CONNECTED = 'open, leaving';
const ACTIVE = `${UNOPENED}, ${CONNECTED}`;
const AWAY = 'suspended, stranded';

/**
 * The rows: states, event, next state (none: the same) and actions. Where a strategy stands behind
 * them, they hold with it, and what follows holds without it.
 */
const ROWS = [
  // Opening
  [`new, scheduled, waiting, ${AWAY}, ended`, 'open()', 'connecting', BEGIN],
  ['scheduled', 'turn', 'connecting', BEGIN],
  ['connecting', 'opened', 'open', `emit incoming::open, stop the connect timeout, ${ARRIVE}`],
  ['connecting', 'failed', 'refused', 'emit incoming::error, stop the connect timeout, ' +
    'fail what waits for the opening, emit error, give up'],
  ['connecting', 'late', 'refused', 'fail what waits for the opening, emit timeout, give up'],
  ['connecting', 'useless', '', REJECT],
  ['refused', 'give up', 'waiting', 'stop dialling, become closed, schedule an attempt',
    'timeout', 'ended', FINISH],
  // Losing
  ['open', 'server close', 'leaving', ''],
  [`${CONNECTED}, ending`, 'gone', '', DEPART],
  ['open', 'lost', 'waiting', `${INTERRUPT}, schedule an attempt`,
    'disconnect', 'ended', `${INTERRUPT}, emit outgoing::end, ${CONCLUDE}`],
  ['leaving, ending', 'lost', 'ended', FINISH],
  [`${CONNECTED}, ending`, 'silent', '', 'go offline, drop'],
  [`${CONNECTED}, ending`, 'drop', '', 'abort the wire, gone'],
  // Recovering
  ['waiting', 'due', 'retrying', 'emit outgoing::reconnect, become opening, emit reconnect, dial'],
  ['waiting', 'exhausted', 'ended', `${CONCLUDE}, emit reconnect failed`],
  ['retrying', 'opened', 'open', `emit incoming::open, emit reconnected, ${ARRIVE}`],
  ['retrying', 'failed', 'waiting', 'emit incoming::error, stop dialling, become closed, ' +
    'log the failure, schedule the next attempt'],
  ['retrying', 'useless', '', REJECT],
  ['retrying', 'attempt late', 'waiting', 'stop dialling, become closed, ' +
    'emit reconnect timeout, schedule the next attempt'],
  // The network
  [`${ACTIVE}, waiting`, 'offline', '', 'go offline, suspend'],
  ['ending', 'offline', '', 'go offline, settled'],
  [`new, ${AWAY}, ended`, 'offline', '', 'go offline'],
  [ACTIVE, 'suspend', 'waiting', `${HALT}, suspend`],
  ['waiting', 'suspend', 'suspended',
    'reset the recovery, fail what waits for the connection, emit end',
    'online', 'stranded', `reset the recovery, ${STAY_AWAY}`],
  [`new, ${ACTIVE}, ending, waiting, stranded, ended`, 'online', '', 'go online'],
  ['suspended', 'online', '', 'go online, resume'],
  ['suspended', 'resume', 'waiting', 'schedule an attempt'],
  // Ending
  ['new', 'end()', '', 'finish the iteration'],
  [UNOPENED, 'end()', 'ended', FINISH],
  [CONNECTED, 'end()', 'ending', 'settle what was written'],
  ['ending', 'settled', 'ended', FINISH],
  ['waiting', 'end()', 'ended', `reset the recovery, ${CONCLUDE}`],
  [AWAY, 'end()', 'ended', 'unwatch the network, finish the iteration'],
  [`${ACTIVE}, ending`, 'destroy()', 'destroyed', `${FINISH}, ${RELEASE}`],
  ['waiting', 'destroy()', 'destroyed', `reset the recovery, ${CONCLUDE}, ${RELEASE}`],
  [`new, ${AWAY}, ended`, 'destroy()', 'destroyed', 'unwatch the network, ' +
    `fail what waits for the connection, finish the iteration, ${RELEASE}`]
];

const listed = (text) => (text ? text.split(', ') : []);

/** The states in which nothing is under way. */
export const OVER = listed(`new, ${AWAY}, ended, destroyed`);
/** The states in which nothing is accepted for sending. */
export const FINAL = listed('ending, stranded, ended, destroyed');
/** The actions that run whatever listeners have done since: they tell how a procedure has ended. */
export const ALWAYS = ['emit reconnect failed'];

/** The rows one by one; those that hold only with a strategy have it as `wanted`. */
export const TRANSITIONS = [];
for (const [states, event, next, actions, wanted, otherwise, instead] of ROWS) {
  for (const state of listed(states)) {
    TRANSITIONS.push({ state, event, wanted, next: next || state, actions: listed(actions) });
    if (wanted) TRANSITIONS.push({ state, event, next: otherwise, actions: listed(instead) });
  }
}

const EVENTS = new Set(ROWS.map((row) => row[1]));

/** Runs the table for one client. */
export class Machine {
  /**
   * @param {string} state Where it begins.
   * @param {function(string): boolean} has Whether a strategy is wanted.
   * @param {function(string, ...*): void} act Does an action, with the arguments of the event.
   */
  constructor(state, has, act) {
    this.state = state;
    this._has = has;
    this._act = act;
    this._handled = 0;
  }

  /**
   * Does what an event leads to; `false` when it changes nothing.
   *
   * What is left of the actions of an earlier event, if one of them has led here, is not done any
   * more, but for those in `ALWAYS`. An event without actions leaves them alone.
   */
  handle(event, ...args) {
    const row = TRANSITIONS.find((each) => (
      each.state === this.state && each.event === event && (!each.wanted || this._has(each.wanted))
    ));

    if (!row) return false;
    this.state = row.next;
    if (!row.actions.length) return true;
    this._handled += 1;
    const handled = this._handled;

    for (const action of row.actions) {
      if (handled !== this._handled && ALWAYS.indexOf(action) < 0) continue;
      if (EVENTS.has(action)) this.handle(action, ...args);
      else this._act(action, ...args);
    }
    return true;
  }
}
