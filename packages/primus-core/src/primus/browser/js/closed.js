/**
 * Why a connection has ended (pure): codes and words are those of closed.py.
 */
const REASONS = {
  'client end': ['client', 'the client closed the connection'],
  'server end': ['server', 'the server closed the connection'],
  shutdown: ['server', 'the server shuts down'],
  heartbeat: ['client', 'the server gave no sign of life'],
  limit: ['server', 'the other side sent more than a limit allows'],
  'protocol error': ['server', 'the other side broke the wire protocol'],
  refused: ['server', 'the server refused the connection'],
  unreachable: ['network', 'the server could not be reached'],
  offline: ['network', 'the machine of the client is offline'],
  'wire lost': ['network', 'the wire was lost without a word']
};
const STATUSES = {
  1001: 'shutdown',
  1002: 'protocol error',
  1003: 'protocol error',
  1007: 'protocol error',
  1008: 'refused',
  1009: 'limit',
  1010: 'protocol error'
};
// What a browser says of a connection that went without a close frame.
const ABNORMAL = [1006, 1015];
const NO_STATUS = 1005;
const LONGEST = 200;

/** Why a connection has ended; text of it can be logged. */
export class Closed {
  constructor(code, reason, seconds, status) {
    this.code = code;
    this.reason = reason || REASONS[code][1];
    this.by = REASONS[code][0];
    this.seconds = seconds;
    this.status = status || null;
  }

  toString() {
    return this.code + ': ' + this.reason;
  }
}

/** What is known of an end by what a transformer tells: `{ code, reason, clean }`. */
export function ofWire(info) {
  const { code, reason } = info || {};

  if (reason === 'ping timeout') return { code: 'heartbeat' };
  if (!code || ABNORMAL.indexOf(code) >= 0) return { code: 'wire lost', reason };
  const status = code === NO_STATUS ? null : code;
  let text = REASONS['server end'][1];

  if (status) text += ' with status ' + status;
  if (reason) text += ': ' + JSON.stringify(String(reason).slice(0, LONGEST));
  return { code: STATUSES[code] || 'server end', reason: text, status };
}

/** What is known of a client that was not connected, by the error. */
export function ofError(error) {
  const { status, message } = error;

  return { code: status >= 300 ? 'refused' : 'unreachable', reason: message, status };
}

/** An error of a refused handshake, with the words of the server in its message. */
export function spoken(error) {
  const said = error.status && typeof error.body === 'string' ? words(error.body) : '';

  if (said && error.message.indexOf(said) < 0) error.message += ': ' + said;
  return error;
}

function words(body) {
  try {
    const { error, message } = JSON.parse(body);
    const said = typeof error === 'string' ? error : message;

    return typeof said === 'string' ? said.slice(0, LONGEST) : '';
  } catch (_error) {
    return '';
  }
}
