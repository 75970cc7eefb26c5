import { DEVELOPING } from './developing.js';

/**
 * The `primus::` control text: what client and server tell each other between the messages.
 */
const PREFIX = 'primus::';

/**
 * Splits control text into its name and value; anything else gives `null`.
 *
 * `primus::ping::1700000000000` is `{ name: 'ping', value: '1700000000000' }`. The rule is the
 * one of every Primus version, so text without a second `::` is split just as oddly as there.
 * The value stays text, because a ping has to be answered with its very own characters.
 */
export function parseControl(data) {
  if (typeof data !== 'string' || data.indexOf(PREFIX) !== 0) return null;
  const last = data.indexOf(':', PREFIX.length);

  return { name: data.slice(PREFIX.length, last), value: data.slice(last + 2) };
}

/**
 * Throws when a message of the user is text that the peer would obey: there is no form in which a
 * peer shows it.
 */
export function checkMessage(data) {
  const text = data instanceof String ? String(data) : data;

  // A decoder of the peer may drop U+FEFF before a text.
  if (typeof text !== 'string' || text.replace(/^\uFEFF/, '').indexOf(PREFIX) !== 0) return;
  throw new TypeError(
    JSON.stringify(text.slice(0, 80)) + ' cannot be sent: peers obey text that begins with "' +
    PREFIX + '"' + (DEVELOPING ?
      ' and do not show it. Send it within something, such as { text } or [text]' : '')
  );
}

const OWN_NAMES = ['id', 'ping', 'pong', 'server'];

/** Whether a plugin may have a control message of that name: those of the core are not free. */
export function isPluginName(name) {
  return OWN_NAMES.indexOf(name) < 0 && /^[a-z][a-z0-9-]{0,31}$/.test(name);
}

/** Throws when a plugin may have no control message of that name. */
export function checkPluginName(name) {
  if (isPluginName(name)) return;
  throw new TypeError(
    JSON.stringify(name) + ' cannot name a control message of a plugin' + (DEVELOPING ?
      ': take up to 32 lower-case letters, digits and hyphens, but none of ' + OWN_NAMES.join(', ') :
      '')
  );
}

/** The control text for a name and its value. */
export function formatControl(name, value) {
  return PREFIX + name + '::' + (value === undefined ? '' : value);
}
