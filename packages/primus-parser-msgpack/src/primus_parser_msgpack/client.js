/**
 * The msgpack parser: frames are bytes, in MessagePack, by `@msgpack/msgpack` (in `library`).
 *
 * The extension types are those of `msgpack-lite`, which Node Primus stands on. Bytes arrive as
 * `Uint8Array`, views of the frame. A message with a key `__proto__` is an error.
 */
const DEPTH = 1024; // as a server reads
const DEEPEST = 1088; // and as it writes
const DATE = 0x0d;
const TIMESTAMP = -1;
const ARRAYS = {
  0x11: Int8Array,
  0x12: Uint8Array,
  0x13: Int16Array,
  0x14: Uint16Array,
  0x15: Int32Array,
  0x16: Uint32Array,
  0x17: Float32Array,
  0x18: Float64Array,
  0x19: Uint8ClampedArray
};
const BUFFERS = [0x1a, 0x1b, 0x1d];
const OBJECTS = [0x0b, 0x0c, 0x0f];

function bytesOf(value) {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** As `msgpack-lite` has them: a double beyond 32 bits. */
function dateBytes(date) {
  const time = date.getTime();

  return library.encode(time, { forceIntegerToFloat: time !== (time | 0) });
}

function dateOf(time) {
  if (typeof time !== 'number') throw new TypeError('A date is a number in MessagePack');
  return new Date(time);
}

/** Which extension type a value has, if any. */
const extensions = {
  tryToEncode(value) {
    if (value instanceof Date) return new library.ExtData(DATE, dateBytes(value));
    if (value instanceof ArrayBuffer) return new library.ExtData(0x1a, bytesOf(value));
    // Bytes are bytes to MessagePack; `Buffer` in Node derives from `Uint8Array`.
    if (!ArrayBuffer.isView(value) || value instanceof Uint8Array) return null;
    for (const code of Object.keys(ARRAYS)) {
      if (value instanceof ARRAYS[code]) return new library.ExtData(+code, bytesOf(value));
    }
    return new library.ExtData(0x1d, bytesOf(value));
  },

  decode(bytes, code) {
    if (code === TIMESTAMP) return library.decodeTimestampExtension(bytes);
    if (code === DATE) return dateOf(scalar(bytes));
    if (OBJECTS.includes(code)) return scalar(bytes);
    if (BUFFERS.includes(code)) return bytes.slice();
    if (ARRAYS[code]) return new ARRAYS[code](bytes.slice().buffer);
    return new library.ExtData(code, bytes.slice());
  }
};

/** A value that contains no others. */
function scalar(bytes) {
  return library.decode(bytes, { maxArrayLength: 0, maxMapLength: 0, maxExtLength: 0 });
}

/** How many bytes follow the head of a value without items, by its first byte. */
const SIZES = [1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 1, 2, 4, 2, 4, 2, 4];

/**
 * Makes sure that there are at least as many bytes as items are announced. The library makes
 * room for what is announced, in every array inside of an array anew.
 */
function check(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = (at, size) => {
    if (size === 1) return view.getUint8(at);
    return size === 2 ? view.getUint16(at) : view.getUint32(at);
  };
  const open = [];
  let pending = 1;
  let at = 0;

  while (pending > 0) {
    const kind = view.getUint8(at++);
    let items = 0;

    if (kind >= 0x80 && kind < 0xa0) items = (kind & 0x0f) * (kind < 0x90 ? 2 : 1);
    else if (kind >= 0xa0 && kind < 0xc0) at += kind & 0x1f;
    else if (kind >= 0xc4 && kind < 0xe0) {
      const size = SIZES[kind - 0xc4];

      if (kind >= 0xdc) items = length(at, size) * (kind < 0xde ? 1 : 2);
      else if (kind < 0xca) at += length(at, size) + (kind < 0xc7 ? 0 : 1);
      else if (kind >= 0xd9) at += length(at, size);
      at += size;
    }
    pending += items - 1;
    if (at + pending > bytes.length) throw new RangeError('MessagePack announces more than there is');
    // Containers that are full are closed, and the rest are what is open.
    if (items) open.push(pending - items);
    while (open.length && open[open.length - 1] >= pending) open.pop();
    if (open.length > DEEPEST) throw new RangeError(`MessagePack is nested more than ${DEEPEST} deep`);
  }
}

/** The frame for a value. */
export function encode(value) {
  return library.encode(value, { extensionCodec: extensions, maxDepth: DEPTH });
}

/** The value in a frame. */
export function decode(frame) {
  if (typeof frame === 'string') throw new TypeError('MessagePack is no text');
  const bytes = bytesOf(frame);

  check(bytes);
  return library.decode(bytes, { extensionCodec: extensions });
}
