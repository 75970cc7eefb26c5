/*
 * JSON with dates and bytes, for what peers tell the tests: `{"@date": 1700000000000}`, `{"@bytes": "AQI="}` and
 * `{"@number": "Infinity"}`. `primus_testing.tagged` is the same in Python.
 */
(function expose(tagged) {
  if (typeof module !== 'undefined' && module.exports) module.exports = tagged;
  else globalThis.tagged = tagged;
})((function make() {
  'use strict';

  function binary(value) {
    return Object.prototype.toString.call(value) === '[object ArrayBuffer]' || ArrayBuffer.isView(value);
  }

  function base64(value) {
    var bytes = ArrayBuffer.isView(value)
      ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      : new Uint8Array(value);

    return btoa(Array.prototype.map.call(bytes, function each(byte) { return String.fromCharCode(byte); }).join(''));
  }

  /** For `JSON.stringify`; `this` has the value from before `toJSON`, which dates and buffers have. */
  function replace(key, changed) {
    var value = this[key];

    if (Object.prototype.toString.call(value) === '[object Date]') return { '@date': value.getTime() };
    if (value && typeof value === 'object' && binary(value)) return { '@bytes': base64(value) };
    if (typeof value === 'number' && !isFinite(value)) return { '@number': String(value).replace('NaN', 'nan') };
    return changed;
  }

  /** For `JSON.parse`; bytes are a `Buffer` where there are buffers. */
  function revive(key, value) {
    if (!value || typeof value !== 'object') return value;
    if ('@date' in value) return new Date(value['@date']);
    if ('@number' in value) return Number(value['@number'].replace('nan', 'NaN'));
    if (!('@bytes' in value)) return value;
    if (typeof Buffer === 'function') return Buffer.from(value['@bytes'], 'base64');
    return Uint8Array.from(atob(value['@bytes']), function each(byte) { return byte.charCodeAt(0); });
  }

  return {
    parse: function parse(text) { return JSON.parse(text, revive); },
    stringify: function stringify(value) { return JSON.stringify(value, replace); }
  };
})());
