/** The browser half: JSON in binary frames. An ES module without imports. */

/** The frame for a value; `undefined` (nothing is sent) for what has none. */
export function encode(value) {
  const text = JSON.stringify(value);

  return text === undefined ? undefined : new TextEncoder().encode(text);
}

/** The value in a frame, which is an `ArrayBuffer` or, in Node, a `Buffer`. */
export function decode(frame) {
  if (typeof frame === 'string') throw new Error('template: the frame is text, not bytes');
  // A key `__proto__` would set the prototype of what it is assigned to.
  return JSON.parse(new TextDecoder().decode(frame), (key, value) => (key === '__proto__' ? undefined : value));
}
