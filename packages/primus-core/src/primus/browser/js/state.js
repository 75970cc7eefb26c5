import {
  abortTheWire, askForTheId, becomeClosed, becomeOpen, becomeOpening, cancelTheTurn, closeTheWire,
  deliverWhatHasArrived, dial, dropTheInbox, emitClose, emitDestroy, emitEnd, emitError,
  emitIncomingEnd, emitIncomingError, emitIncomingOpen, emitOpen, emitOutgoingEnd,
  emitOutgoingReconnect, emitReconnect, emitReconnected, emitReconnectFailed, emitReconnectTimeout,
  emitTimeout, failWhatWaitsForTheConnection, goOffline, goOnline, releaseWhatIsHeld,
  removeAllListeners, resetTheRecovery, scheduleAnAttempt, scheduleTheNextAttempt, sendTheQueue,
  settleWhatWasWritten, startTheConnectTimeout, startTheHeartbeat, stopDialling,
  stopTheConnectTimeout, stopTheHeartbeat
} from './actions.js';

/**
 * The states of a client as one table: what happens, what comes of it, and what is done (pure).
 *
 * It is the table of client/state.py, which describes the words, and in the same order: both are
 * compared with the golden files in tests/golden/. What only the client in Python does is left out.
 *
 * Any action may call listeners, and any listener may end or open the connection. An event that
 * leads to actions while others run takes the place of what is left of those: see `Machine`.
 */
const BEGIN = [cancelTheTurn, resetTheRecovery, stopDialling, closeTheWire,
  startTheConnectTimeout, becomeOpening, dial];
const ARRIVE = [goOnline, becomeOpen, startTheHeartbeat, sendTheQueue, emitOpen, askForTheId];
const HALT = [cancelTheTurn, stopTheConnectTimeout, resetTheRecovery, stopTheHeartbeat,
  stopDialling, dropTheInbox, closeTheWire, becomeClosed, emitOutgoingEnd, emitClose];
const DEPART = [stopTheHeartbeat, emitIncomingEnd, deliverWhatHasArrived];
const INTERRUPT = [becomeClosed, emitClose];
const CONCLUDE = [failWhatWaitsForTheConnection, emitEnd];
const FINISH = [...HALT, ...CONCLUDE];
const RELEASE = [releaseWhatIsHeld, emitDestroy, removeAllListeners];
const REJECT = [emitIncomingError, emitError, 'end()'];

const UNOPENED = 'scheduled, connecting, refused, retrying';
const CONNECTED = 'open, leaving';
const ACTIVE = `${UNOPENED}, ${CONNECTED}`;
const AWAY = 'suspended, stranded';

/**
 * The rows: states, event, next state (none: the same) and actions, of which a text is an event.
 * Where a strategy stands behind them, they hold with it, and what follows holds without it.
 *
 * @typedef {string | ((client: *, ...args: *[]) => *)} Action
 * @type {Array<[string, string, string, Action[]?, string?, string?, Action[]?]>}
 */
export const ROWS = [
  // Opening
  [`new, scheduled, waiting, ${AWAY}, ended`, 'open()', 'connecting', BEGIN],
  ['scheduled', 'turn', 'connecting', BEGIN],
  ['connecting', 'opened', 'open', [emitIncomingOpen, stopTheConnectTimeout, ...ARRIVE]],
  ['connecting', 'failed', 'refused', [emitIncomingError, stopTheConnectTimeout, emitError, 'give up']],
  ['connecting', 'late', 'refused', [emitTimeout, 'give up']],
  ['connecting', 'useless', '', REJECT],
  ['refused', 'give up', 'waiting', [stopDialling, becomeClosed, scheduleAnAttempt],
    'timeout', 'ended', FINISH],
  // Losing
  ['open', 'server close', 'leaving'],
  [`${CONNECTED}, ending`, 'gone', '', DEPART],
  ['open', 'lost', 'waiting', [...INTERRUPT, scheduleAnAttempt],
    'disconnect', 'ended', [...INTERRUPT, emitOutgoingEnd, ...CONCLUDE]],
  ['leaving, ending', 'lost', 'ended', FINISH],
  [`${CONNECTED}, ending`, 'silent', '', [goOffline, 'drop']],
  [`${CONNECTED}, ending`, 'drop', '', [abortTheWire, 'gone']],
  // Recovering
  ['waiting', 'due', 'retrying', [emitOutgoingReconnect, becomeOpening, emitReconnect, dial]],
  ['waiting', 'exhausted', 'ended', [...CONCLUDE, emitReconnectFailed]],
  ['retrying', 'opened', 'open', [emitIncomingOpen, emitReconnected, ...ARRIVE]],
  ['retrying', 'failed', 'waiting',
    [emitIncomingError, stopDialling, becomeClosed, scheduleTheNextAttempt]],
  ['retrying', 'useless', '', REJECT],
  ['retrying', 'attempt late', 'waiting',
    [stopDialling, becomeClosed, emitReconnectTimeout, scheduleTheNextAttempt]],
  // The network
  [`${ACTIVE}, waiting`, 'offline', '', [goOffline, 'suspend']],
  ['ending', 'offline', '', [goOffline, 'settled']],
  [`new, ${AWAY}, ended`, 'offline', '', [goOffline]],
  [ACTIVE, 'suspend', 'waiting', [...HALT, 'suspend']],
  ['waiting', 'suspend', 'suspended', [resetTheRecovery, ...CONCLUDE],
    'online', 'stranded', [resetTheRecovery, ...CONCLUDE]],
  [`new, ${ACTIVE}, ending, waiting, stranded, ended`, 'online', '', [goOnline]],
  ['suspended', 'online', '', [goOnline, 'resume']],
  ['suspended', 'resume', 'waiting', [scheduleAnAttempt]],
  // Ending
  ['new', 'end()', '', []],
  [UNOPENED, 'end()', 'ended', FINISH],
  [CONNECTED, 'end()', 'ending', [settleWhatWasWritten]],
  ['ending', 'settled', 'ended', FINISH],
  ['waiting', 'end()', 'ended', [resetTheRecovery, ...CONCLUDE]],
  [AWAY, 'end()', 'ended', []],
  [`${ACTIVE}, ending`, 'destroy()', 'destroyed', [...FINISH, ...RELEASE]],
  ['waiting', 'destroy()', 'destroyed', [resetTheRecovery, ...CONCLUDE, ...RELEASE]],
  [`new, ${AWAY}, ended`, 'destroy()', 'destroyed', [failWhatWaitsForTheConnection, ...RELEASE]]
];

/** The states that a row holds in. */
export const listed = (states) => states.split(', ');

/** The states in which nothing is under way. */
export const OVER = listed(`new, ${AWAY}, ended, destroyed`);
/** The states in which nothing is accepted for sending. */
export const FINAL = listed('ending, stranded, ended, destroyed');
/** The action that runs whatever listeners have done since: it tells how a procedure has ended. */
export const ALWAYS = emitReconnectFailed;

/** Runs the table for one client. */
export class Machine {
  /**
   * @param {string} state Where it begins.
   * @param {function(string): boolean} has Whether a strategy is wanted.
   * @param {function(Function, ...*): void} act Does an action, with the arguments of the event.
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
   * more, but for `ALWAYS`. An event without a list of actions leaves them alone.
   */
  handle(event, ...args) {
    const row = ROWS.find(([states, each]) => (
      each === event && listed(states).indexOf(this.state) >= 0
    ));

    if (!row) return false;
    const [, , next, actions, wanted, otherwise, instead] = row;
    const holds = !wanted || this._has(wanted);
    const steps = holds ? actions : instead;

    this.state = (holds ? next : otherwise) || this.state;
    if (!steps) return true;
    this._handled += 1;
    const handled = this._handled;

    for (const action of steps) {
      if (handled !== this._handled && action !== ALWAYS) continue;
      if (typeof action === 'string') this.handle(action, ...args);
      else this._act(action, ...args);
    }
    return true;
  }
}
