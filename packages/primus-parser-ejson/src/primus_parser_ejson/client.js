/**
 * The ejson parser: frames are text, in Meteor's Extended JSON.
 *
 * `Date`, `RegExp`, bytes (which arrive as `Uint8Array`), infinities and `NaN` come back as they
 * went. For types of the application, `Primus.EJSON.addType(name, factory)` is Meteor's: objects
 * of such a type have the methods `typeName()` and `toJSONValue()`.
 */
const FLAGS = 'gimuy';
const factories = new Map();

/** What stands for a value, by the keys of the object: gives the value. */
const MARKS = {
  $date: ({ $date }) => new Date($date === null ? NaN : number($date)),
  $binary: ({ $binary }) => Uint8Array.from(atob($binary), (byte) => byte.charCodeAt(0)),
  $InfNaN: ({ $InfNaN }) => number($InfNaN) / 0,
  $escape: ({ $escape }) => fields(object($escape), fromJSON),
  $flags$regexp: ({ $regexp, $flags }) => new RegExp($regexp, flags($flags)),
  $type$value: ({ $type, $value }) => {
    if (!factories.has($type)) throw new Error(`No EJSON type named ${$type} has been added`);
    return factories.get($type)(copied($value));
  }
};

function number(value) {
  if (typeof value !== 'number') throw new TypeError('EJSON has a number there');
  return value;
}

function object(value) {
  if (Object(value) !== value || Array.isArray(value)) throw new TypeError('EJSON has an object there');
  return value;
}

/** No more letters than there may be, each of them once. */
function flags(text) {
  return [...new Set(String(text).slice(0, 50))].filter((flag) => FLAGS.includes(flag)).join('');
}

/** The function for an object that stands for another value. */
function mark(value) {
  const keys = Object.keys(value);

  if (!keys.length || keys.length > 2 || keys.some((key) => key[0] !== '$')) return undefined;
  const name = keys.sort().join('');

  return Object.prototype.hasOwnProperty.call(MARKS, name) ? MARKS[name] : undefined;
}

/** An object with each of its fields changed; one named `__proto__` would change a prototype. */
function fields(from, change) {
  const to = {};

  for (const key of Object.keys(from)) if (key !== '__proto__') to[key] = change(from[key]);
  return to;
}

/** JSON as it is, but for fields named `__proto__`. */
function copied(value) {
  if (value === null || typeof value !== 'object') return value;
  return Array.isArray(value) ? value.map(copied) : fields(value, copied);
}

function isBinary(value) {
  return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function base64(value) {
  const bytes = ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
  let text = '';

  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 0x8000));
  }
  return btoa(text);
}

function isCustom(value) {
  return typeof value.typeName === 'function' && typeof value.toJSONValue === 'function'
    && factories.has(value.typeName());
}

function infinite(value) {
  return { $InfNaN: Number.isNaN(value) ? 0 : Math.sign(value) };
}

function toJSON(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? value : infinite(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(toJSON);
  if (value instanceof Date) return { $date: value.getTime() };
  if (value instanceof RegExp) return { $regexp: value.source, $flags: value.flags };
  if (isBinary(value)) return { $binary: base64(value) };
  if (isCustom(value)) return { $type: value.typeName(), $value: value.toJSONValue() };
  if (typeof value.toJSON === 'function') return toJSON(value.toJSON());
  const changed = fields(value, toJSON);

  return mark(value) ? { $escape: changed } : changed;
}

function fromJSON(value) {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(fromJSON);
  const unmarked = mark(value);

  return unmarked ? unmarked(value) : fields(value, fromJSON);
}

/** The frame for a value; `undefined` (nothing is sent) for what JSON does not know. */
export function encode(value) {
  return JSON.stringify(toJSON(value));
}

/** The value in a frame. */
export function decode(frame) {
  if (typeof frame !== 'string') throw new TypeError('EJSON is text');
  return fromJSON(JSON.parse(frame));
}

/** Registers an application's own type, as Meteor's `EJSON.addType`. */
export function addType(name, factory) {
  if (factories.has(name)) throw new Error(`An EJSON type named ${name} has been added before`);
  factories.set(name, factory);
}

if (typeof Primus === 'function') Primus.EJSON = { addType };
