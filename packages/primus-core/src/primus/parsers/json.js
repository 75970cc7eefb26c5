/** The JSON parser: frames are text. */

/** The frame for a value; `undefined` (nothing is sent) for what JSON does not know. */
export function encode(value) {
  return JSON.stringify(value);
}

/** The value in a frame. A binary frame, which no JSON parser sends, is given as it is. */
export function decode(frame) {
  return typeof frame === 'string' ? JSON.parse(frame) : frame;
}
