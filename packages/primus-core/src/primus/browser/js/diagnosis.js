import { DEVELOPING } from './developing.js';
import { describeAddress, formatAddress } from './url.js';

/**
 * What does not fit between a client and its server, by `<pathname>/spec`: as diagnosis.py.
 *
 * A browser tells nothing of a WebSocket that does not open, so the server is asked what it is.
 */
const WEBSOCKETS = ['websockets', 'lws', 'uws', 'picows', 'faye'];
const PATIENCE = 3000;

/** Whether the platform can ask at all; in Node the library has told what there is to tell. */
export function canAsk({ network }) {
  return Boolean(network) && typeof network.fetch === 'function';
}

/** Calls `done` once, later, with a sentence that names the mistake; empty when none is found. */
export function diagnose(client, done) {
  const { clock } = client;
  let waiting = clock.setTimeout(() => settle(''), PATIENCE);

  function settle(text) {
    if (!waiting) return;
    clock.clearTimeout(waiting);
    waiting = null;
    done(text);
  }
  Promise.resolve().then(() => found(client)).then(settle, () => settle(''));
}

/** An error with a sentence more in its message, which may be one that cannot be written to. */
export function amended(error, text) {
  if (text) {
    const value = error.message + '. ' + text;

    Object.defineProperty(error, 'message', { value, writable: true, configurable: true });
  }
  return error;
}

/** A sentence that names what differs of a server and a client; empty when nothing does. */
export function differences({ compiled, ark }, spec) {
  const texts = [];
  const theirs = lower(spec.transformer);
  const ours = lower(compiled.transformer);
  const alike = WEBSOCKETS.indexOf(theirs) >= 0 && WEBSOCKETS.indexOf(ours) >= 0;

  if (theirs !== ours && !alike) texts.push(difference('transformer', spec.transformer, ours));
  if (lower(spec.parser) !== lower(compiled.parser)) {
    texts.push(difference('parser', spec.parser, compiled.parser));
  }
  if (Array.isArray(spec.plugins)) {
    const used = spec.plugins.map(plain);
    const missing = Object.keys(ark).filter((name) => used.indexOf(plain(name)) < 0);

    if (missing.length) texts.push('the server does not use the plugin ' + missing.join(', '));
  }
  return texts.join('; ');
}

function difference(what, theirs, ours) {
  return "the server's " + what + " is '" + theirs + "', that of this client is '" + ours + "'";
}

function lower(name) {
  return String(name).toLowerCase();
}

/** One of the names of a plugin; those that are one and the same on the wire have the same. */
function plain(plugin) {
  return lower(plugin).replace(/^primus-|[-/]broadcast$|\.primus$/g, '');
}

function found(client) {
  const { compiled, network, pathname, url } = client;
  const secure = /^(https|wss):$/.test(url.protocol);

  if (!secure && network.location && network.location.protocol === 'https:') {
    return Promise.resolve('a page at https: can connect to https: or wss: only');
  }
  return ask(client, secure).then((spec) => (
    differences(client, spec) || (WEBSOCKETS.indexOf(lower(compiled.transformer)) < 0 ? '' :
      'the server answers ' + pathname + '/spec, but takes no WebSocket' + (DEVELOPING ?
        ': it refuses this client (authorization, origins), a proxy in between drops the headers ' +
        'Upgrade and Connection, or an ASGI application has no WebSocket route at ' + pathname :
        ''))
  ), (failure) => {
    if (failure.status === 404) return 'there is no Primus at ' + pathname + ' of this server';
    if (failure.status) return '';
    return ask(client, !secure).then(() => url.host + (secure ?
      ' does not speak TLS: connect to http:// or ws:// instead' :
      ' speaks TLS: connect to https:// or wss:// instead'));
  });
}

/** The description of the server, asked for over TLS or without. */
function ask({ network, pathname, url }, secure) {
  const parts = { protocol: secure ? 'https:' : 'http:', secure, auth: '' };
  const address = describeAddress(url, parts, pathname + '/spec');

  return network.fetch(formatAddress(address, false)).then((response) => (
    response.ok ? response.json() : Promise.reject(response)
  ));
}
