/**
 * The address of the server, and the one a connection is opened with.
 */
const URL_PARTS = new RegExp(
  '^([a-z][a-z0-9+.-]*:)?//' +          // protocol
  '(?:([^/?#]*)@)?' +                   // user:password
  '(\\[[^\\]]*\\]|[^:/?#\\s]*)' +       // host name, or [IPv6]
  '(?::(\\d*))?' +                      // port
  '(/[^?#]*)?(\\?[^#]*)?(#.*)?$', 'i'  // path, query, hash
);
let stamps = 0;

/**
 * Where a client without a URL connects to: the origin of the page; outside of one, localhost.
 *
 * The address of a worker made from a blob, or of a `srcdoc` frame, has no host. They have the
 * origin of the page that made them, and a sandboxed frame at least its base URL.
 *
 * @throws {Error} when the page has none of these, as a `file:` or `data:` page.
 */
export function defaultUrl() {
  if (typeof location !== 'object' || !location) return 'http://127.0.0.1';
  if (location.host) return location.origin || location.protocol + '//' + location.host;
  const origin = typeof self === 'object' ? self.origin : '';
  const base = typeof document === 'object' ? document.baseURI : '';
  const found = [origin, base].map((text) => /^https?:\/\/[^/]+/.exec(text)).find(Boolean);

  if (found) return found[0];
  throw new Error(
    'A page at ' + location.protocol + ' has no server of its own: give Primus the URL of one'
  );
}

/**
 * The parts of a URL: `protocol` (`http:`), `auth` (`user:password` or empty), `username`,
 * `password`, `host` (with port), `hostname`, `port`, `pathname`, `query` (with `?`), `hash`,
 * `href`. Without protocol or host those of the page are taken.
 *
 * @throws {Error} when the text is not a URL, or lacks what the page does not have either.
 */
export function parseUrl(address) {
  let text = String(address || '').trim();

  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const base = URL_PARTS.exec(defaultUrl());

    if (/^([/?#](?!\/)|$)/.test(text)) text = base[1] + '//' + hostOf(base) + text;
    else text = base[1] + (/^\/\//.test(text) ? '' : '//') + text;
  }
  const parts = URL_PARTS.exec(text);

  if (!parts || !parts[3] && !/\+unix:$/.test(parts[1])) {
    throw new Error('"' + address + '" is not a URL that can be connected to');
  }
  const auth = parts[2] || '';
  const colon = auth.indexOf(':');

  return {
    protocol: parts[1].toLowerCase(),
    auth,
    username: colon < 0 ? auth : auth.slice(0, colon),
    password: colon < 0 ? '' : auth.slice(colon + 1),
    host: hostOf(parts),
    hostname: parts[3],
    port: parts[4] || '',
    pathname: parts[5] || '/',
    query: parts[6] && parts[6].length > 1 ? parts[6] : '',
    hash: parts[7] || '',
    href: text
  };
}

/**
 * The value of `Authorization` for `user:password` as it stands in a URL: UTF-8 (RFC 7617), and a
 * malformed escape stays as it is.
 *
 * @throws {Error} when the user's name has a colon, which would begin the password.
 */
export function basicAuthorization(auth) {
  const [, user, , password] = /^([^:]*)(:([^]*))?$/.exec(auth);
  const name = bytesOf(user);

  if (name.indexOf(':') >= 0) {
    throw new Error('The user in the URL has a colon in its name, which Basic authentication cannot tell');
  }
  return 'Basic ' + btoa(name + ':' + bytesOf(password || ''));
}

/** Percent-encodes what no request may hold; what is encoded already stays as it is. */
export function escapeQuery(query) {
  return query.replace(/[^\x21\x24-\x7e]+/g, (text) => encodeURIComponent(wellFormed(text)));
}

/** The fields of a query string, with or without its `?`. The first of several wins. */
export function parseQuery(query) {
  const fields = Object.create(null);

  for (const pair of String(query || '').replace(/^[?#]/, '').split('&')) {
    const [, key, value] = /^([^=]*)=?([^]*)$/.exec(pair);

    if (key && !(decode(key) in fields)) fields[decode(key)] = decode(value);
  }
  return fields;
}

/** The query string of an object, without `?`; `prefix` (`true` for `?`) is put before it. */
export function formatQuery(fields, prefix) {
  const text = Object.keys(fields).map((key) => {
    const value = fields[key];
    const empty = value === undefined || value === null;

    return encode(key) + '=' + encode(empty ? '' : value);
  }).join('&');

  return text && prefix ? (typeof prefix === 'string' ? prefix : '?') + text : text;
}

/**
 * Fills in the description of a connection's address.
 *
 * A cache buster `_primuscb` keeps browsers from answering a new connection from their
 * back-forward cache.
 *
 * @param {object} url What `parseUrl` gave.
 * @param {object} options What the transformer wants: `protocol` (default `http:`), `query`
 *   (whether the URL carries the query string), `object`, and any part it wants to replace.
 * @param {string} pathname Where Primus lives on the server.
 */
export function describeAddress(url, options, pathname) {
  const secure = /^(https|wss):$/.test(url.protocol);
  const defaults = { protocol: 'http:', secure, auth: url.auth, host: url.host, pathname };
  const address = Object.assign(defaults, options);
  const fields = url.query.slice(1).split('&').filter((field) => !/^(_primuscb=|$)/.test(field))
    .map(escapeQuery);

  if (!options.port) address.port = +url.port || (address.secure ? 443 : 80);
  address.query = (options.query ? fields : []).concat('_primuscb=' + stamp(Date.now())).join('&');
  return address;
}

/** The URL of a description; `query` says whether the query string belongs to it. */
export function formatAddress(address, query) {
  const plain = address.secure && !/^(https|wss):$/.test(address.protocol);
  const protocol = plain ? address.protocol.replace(':', 's:') : address.protocol;
  const auth = address.auth ? address.auth + '@' : '';

  return protocol + '//' + auth + address.host + address.pathname + (query ? '?' + address.query : '');
}

/** A short text that is different every time, from a time in milliseconds. */
export function stamp(time) {
  stamps += 1;
  return time.toString(36) + '.' + stamps.toString(36);
}

/** The bytes that a part of a URL stands for, as a text of characters below 256. */
function bytesOf(text) {
  const escaped = text.replace(/[^\x00-\x7f]+/g, (part) => encodeURIComponent(wellFormed(part)));

  return escaped.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
}

/** Percent-encodes a part of a query; what a server has said may be no text of a URL. */
function encode(text) {
  return encodeURIComponent(wellFormed(String(text)));
}

/** A text whose lone surrogates are replaced, as a URL's are. */
function wellFormed(text) {
  return Array.from(text, (each) => (/^[\ud800-\udfff]$/.test(each) ? '\ufffd' : each)).join('');
}

function hostOf(parts) {
  return parts[3] + (parts[4] ? ':' + parts[4] : '');
}

function decode(text) {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch (_error) {
    return text;
  }
}
