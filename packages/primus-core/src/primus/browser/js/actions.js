import { CLOSED, OPEN, OPENING } from './readystates.js';

/**
 * What a client does for each action of the table in state.js: functions of the client, and of what
 * the event carries. Their names are the words of client/state.py.
 */
export const cancelTheTurn = (client) => client.timers.clear('open');
export const startTheConnectTimeout = (client) => client._startTimeout();
export const stopTheConnectTimeout = (client) => client.timers.clear('connect');
export const dial = (client) => client._dial();
export const stopDialling = (client) => client._drop();
export const abortTheWire = (client) => client._drop();
export const closeTheWire = (client) => client._drop();
export const settleWhatWasWritten = (client) => client._settleWritten();
export const deliverWhatHasArrived = (client) => client._settleArrived();
export const dropTheInbox = (client) => client._dropInbox();
export const sendTheQueue = (client) => client._flush();
export const startTheHeartbeat = (client) => client._heartbeat.start();
export const stopTheHeartbeat = (client) => client._heartbeat.stop();
export const askForTheId = (client) => client._heartbeat.ask();
export const failWhatWaitsForTheConnection = (client) => client._failWaiting();
export const scheduleAnAttempt = (client) => client.recovery.reconnect();
export const scheduleTheNextAttempt = (client, error) => client.recovery.reconnected(error);
export const resetTheRecovery = (client) => client.recovery.reset();
export const becomeOpening = (client) => client._become(OPENING, 'opening');
export const becomeOpen = (client) => client._become(OPEN, 'open');
export const becomeClosed = (client) => client._become(CLOSED, 'end');
export const goOffline = (client) => client._goOnline(false);
export const goOnline = (client) => client._goOnline(true);
export const releaseWhatIsHeld = (client) => client._release();
export const removeAllListeners = (client) => client._removeListeners();

export const emitClose = (client) => client._emitClosed('close');
export const emitDestroy = (client) => client._tell('destroy');
export const emitEnd = (client) => client._emitClosed('end');
export const emitError = (client, error) => client._emitError(error);
export const emitIncomingEnd = (client, ...args) => client._tell('incoming::end', ...args);
export const emitIncomingError = (client, ...args) => client._tell('incoming::error', ...args);
export const emitIncomingOpen = (client) => client._tell('incoming::open');
export const emitOpen = (client) => client._tell('open');
export const emitOutgoingEnd = (client) => client._tell('outgoing::end');
export const emitOutgoingReconnect = (client) => client._tell('outgoing::reconnect');
export const emitReconnect = (client, ...args) => client._tell('reconnect', ...args);
export const emitReconnected = (client) => client.recovery.reconnected();
export const emitReconnectFailed = (client, ...args) => client._tell('reconnect failed', ...args);
export const emitReconnectTimeout = (client, ...args) => client._tell('reconnect timeout', ...args);
export const emitTimeout = (client) => client._tell('timeout');
