import { basicAuthorization, parseUrl } from './url.js';

/**
 * What a transformer's `client.js` is given, and what it gives back.
 *
 *     export default function connect(wire) {
 *       const socket = new Something(wire.uri({ protocol: 'ws:', query: true }));
 *       socket.onopen = wire.onopen;
 *       ...
 *       return { socket, send: (frame) => socket.send(frame), close: () => socket.close() };
 *     }
 *
 * `connect` runs once per attempt. It must not call back before it has returned, and may throw.
 * It returns a link: `send(frame)` for text and binary frames alike, `close()`, optionally
 * `socket` (the library's own object, users see it as `primus.socket`) and `id` (the server's id
 * of the connection, a value or a getter; without one Primus asks the server).
 *
 * Once the wire is closed, by either side, its callbacks do nothing: a transformer need not take
 * its handlers off. They may be handed to a library as they are.
 */
export class Wire {
  constructor(primus, handlers) {
    /** The instance, as `wire.primus`, and its constructor, as `wire.Primus`. */
    this.primus = primus;
    this.Primus = primus.constructor;
    /** What the transformer's bundled library script exported. */
    this.library = primus.compiled.library;
    /** The URL in parts (see url.js), the client's options, and its `transport` option. */
    this.url = primus.url;
    this.options = primus.options;
    this.transport = primus.options.transport;
    /** The option `websockets: false`: use anything but WebSockets. */
    this.avoidWebSockets = primus.AVOID_WEBSOCKETS;
    /** The link `connect` returned. */
    this.link = null;
    this.closed = false;

    /** The connection is open. */
    this.onopen = () => this.closed || handlers.opened();
    /** A frame has arrived: text, or an `ArrayBuffer` (or `Uint8Array`). */
    this.onmessage = (frame) => this.closed || handlers.received(frame);
    /** Something went wrong: an `Error`, text, or an object or event that has a `message`. */
    this.onerror = (error) => this.closed || handlers.failed(error);
    /** The connection is closed, by the server or by accident: `{ code, reason, clean }`. */
    this.onclose = (info) => {
      if (this.closed) return;
      this.closed = true;
      handlers.lost(info);
    };
  }

  /**
   * The URL to connect to: `{ protocol: 'ws:' }` becomes `wss:` for a secure server, `query: true`
   * adds the query string, `object: true` gives the parts instead of text.
   */
  uri(options) {
    return this.primus.uri(options);
  }

  /**
   * Headers for a library that takes any: those given, and the credentials of the URL `uri` unless
   * there is an `Authorization` already. They are UTF-8, whatever the library would make of them.
   */
  headers(given, uri) {
    const { auth } = parseUrl(uri);
    const headers = Object.assign({}, given);
    const own = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');

    if (auth && !own) headers.Authorization = basicAuthorization(auth);
    return headers;
  }

  /** Closes the link from this side. Nothing is called back any more. */
  close() {
    const wasOpen = !this.closed;

    this.closed = true;
    if (wasOpen && this.link) this.link.close();
  }
}
