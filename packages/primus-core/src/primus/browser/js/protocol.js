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

/** The control text for a name and its value. */
export function formatControl(name, value) {
  return PREFIX + name + '::' + (value === undefined ? '' : value);
}
