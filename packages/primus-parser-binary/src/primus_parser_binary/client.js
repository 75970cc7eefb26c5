/**
 * The binary parser: frames are bytes, in BinaryPack.
 *
 * Bytes arrive as `Uint8Array`. Dates are sent as ISO 8601 text. A whole number beyond 32 bits is
 * a double, because the `binary-pack` of Node cannot read integers of 64 bits.
 */
const DEPTH = 1024; // as a server reads
const DEEPEST = 1088; // and as it writes
const UTF8 = new TextEncoder();
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that grow. */
class Writer {
  constructor() {
    this.bytes = new Uint8Array(512);
    this.view = new DataView(this.bytes.buffer);
    this.size = 0;
  }

  /** Makes room; where it begins. Call it first: `bytes` and `view` may be others afterwards. */
  room(size) {
    const at = this.size;

    this.size += size;
    if (this.size > this.bytes.length) {
      const grown = new Uint8Array(2 * this.size);

      grown.set(this.bytes);
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  byte(value) {
    const at = this.room(1);

    this.bytes[at] = value;
  }

  append(bytes) {
    const at = this.room(bytes.length);

    this.bytes.set(bytes, at);
  }

  /** A kind, and a number by one of the methods of `DataView`. */
  number(kind, method, size, value) {
    this.byte(kind);
    const at = this.room(size);

    this.view[method](at, value);
  }

  /** The length of a text, of bytes or of a container, in the shortest of three forms. */
  head(length, inline, short, long) {
    if (length <= 0x0f) this.byte(inline + length);
    else if (length <= 0xffff) this.number(short, 'setUint16', 2, length);
    else this.number(long, 'setUint32', 4, length);
  }

  integer(value) {
    if (value >= -0x20 && value <= 0x7f) this.byte(value & 0xff);
    else if (value >= 0 && value <= 0xff) this.number(0xcc, 'setUint8', 1, value);
    else if (value >= -0x80 && value < 0) this.number(0xd0, 'setInt8', 1, value);
    else if (value >= 0 && value <= 0xffff) this.number(0xcd, 'setUint16', 2, value);
    else if (value >= -0x8000 && value < 0) this.number(0xd1, 'setInt16', 2, value);
    else if (value >= 0) this.number(0xce, 'setUint32', 4, value);
    else this.number(0xd2, 'setInt32', 4, value);
  }

  value(value, depth) {
    if (depth > DEPTH) throw new Error(`nested more than ${DEPTH} deep, or inside of itself`);
    switch (typeof value) {
      case 'undefined': return this.byte(0xc0);
      case 'boolean': return this.byte(value ? 0xc3 : 0xc2);
      case 'number': {
        const small = Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff;

        return small ? this.integer(value) : this.number(0xcb, 'setFloat64', 8, value);
      }
      case 'string': {
        const text = UTF8.encode(value);

        this.head(text.length, 0xb0, 0xd8, 0xd9);
        return this.append(text);
      }
      case 'object': return value === null ? this.byte(0xc0) : this.object(value, depth);
      default: throw new TypeError(`a ${typeof value} has no form in BinaryPack`);
    }
  }

  object(value, depth) {
    if (Array.isArray(value)) {
      this.head(value.length, 0x90, 0xdc, 0xdd);
      for (let i = 0; i < value.length; i++) this.value(value[i], depth + 1);
    } else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = asBytes(value);

      this.head(bytes.length, 0xa0, 0xda, 0xdb);
      this.append(bytes);
    } else if (typeof value.toJSON === 'function') {
      this.value(value.toJSON(), depth + 1);
    } else {
      const keys = Object.keys(value);

      this.head(keys.length, 0x80, 0xde, 0xdf);
      for (const key of keys) {
        this.value(key, depth);
        this.value(value[key], depth + 1);
      }
    }
  }
}

const NUMBERS = {
  0xca: ['getFloat32', 4],
  0xcb: ['getFloat64', 8],
  0xcc: ['getUint8', 1],
  0xcd: ['getUint16', 2],
  0xce: ['getUint32', 4],
  0xcf: ['getBigUint64', 8],
  0xd0: ['getInt8', 1],
  0xd1: ['getInt16', 2],
  0xd2: ['getInt32', 4],
  0xd3: ['getBigInt64', 8]
};
const KINDS = { 0xd8: 0xb0, 0xda: 0xa0, 0xdc: 0x90, 0xde: 0x80 };

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  /** Takes bytes; where they begin. */
  take(size) {
    const at = this.at;

    this.at += size;
    if (this.at > this.bytes.length) throw new Error('BinaryPack breaks off');
    return at;
  }

  number(method, size) {
    return Number(this.view[method](this.take(size))); // of a BigInt, too
  }

  value(depth) {
    const kind = this.bytes[this.take(1)];

    if (kind < 0x80) return kind;
    if (kind >= 0xe0) return kind - 0x100;
    if (kind < 0xc0) return this.sized(kind & 0xf0, kind & 0x0f, depth);
    if (kind in NUMBERS) return this.number(...NUMBERS[kind]);
    if (kind >= 0xd8) {
      const length = kind & 1 ? this.number('getUint32', 4) : this.number('getUint16', 2);

      return this.sized(KINDS[kind & 0xfe], length, depth);
    }
    if (kind === 0xc0) return null;
    if (kind === 0xc1 || kind >= 0xd4) return undefined;
    if (kind === 0xc2 || kind === 0xc3) return kind === 0xc3;
    throw new Error(`0x${kind.toString(16)} begins no value of BinaryPack`);
  }

  sized(kind, length, depth) {
    if (kind === 0xb0) return STRICT_UTF8.decode(this.slice(length));
    if (kind === 0xa0) return this.slice(length).slice();
    if (depth >= DEEPEST) throw new Error(`BinaryPack is nested more than ${DEEPEST} deep`);
    return kind === 0x90 ? this.array(length, depth + 1) : this.map(length, depth + 1);
  }

  slice(length) {
    const at = this.take(length);

    return this.bytes.subarray(at, at + length);
  }

  // The announced length is not believed: what grows item by item ends where the bytes end.
  array(length, depth) {
    const items = [];

    while (items.length < length) items.push(this.value(depth));
    return items;
  }

  map(length, depth) {
    const map = {};

    for (let i = 0; i < length; i++) {
      const key = String(this.value(depth));
      const value = this.value(depth);

      if (key !== '__proto__') map[key] = value; // which would change the prototype
    }
    return map;
  }
}

/** An `ArrayBuffer`, or a view of one, as bytes. */
function asBytes(value) {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

/** The frame for a value. */
export function encode(value) {
  const writer = new Writer();

  writer.value(value, 0);
  return writer.bytes.slice(0, writer.size);
}

/** The value in a frame. */
export function decode(frame) {
  if (typeof frame === 'string') throw new TypeError('BinaryPack is no text');
  const reader = new Reader(asBytes(frame));
  const value = reader.value(0);

  if (reader.at !== reader.bytes.length) throw new Error('Bytes follow the BinaryPack');
  return value;
}
