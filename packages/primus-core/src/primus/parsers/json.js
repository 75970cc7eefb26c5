/** The JSON parser: frames are text. */

/** The frame for a value; `undefined` (nothing is sent) for what JSON does not know. */
export function encode(value) {
  return JSON.stringify(value);
}

/**
 * The value in a frame, without keys named `__proto__`: `Object.assign` would set a prototype by them.
 * A binary frame, which no JSON parser sends, is given as it is.
 */
export function decode(frame) {
  if (typeof frame !== 'string') return frame;
  const value = JSON.parse(frame);

  // Characters of the key may be escapes.
  return frame.includes('__proto__') || frame.includes('\\u00') ? cleaned(value) : value;
}

function cleaned(value) {
  const waiting = [[value]];

  while (waiting.length) {
    for (const item of Object.values(waiting.pop())) {
      if (item === null || typeof item !== 'object') continue;
      if (Object.prototype.hasOwnProperty.call(item, '__proto__')) delete item.__proto__;
      waiting.push(item);
    }
  }
  return value;
}
