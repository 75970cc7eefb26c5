/**
 * Channels over the connection: `primus.channel(name)` subscribes, each time anew.
 *
 * A subscription has `write(data)`, `end(data)`, the methods of an event emitter, `id`, `name` and
 * `readyState`; with the plugin `emitter` also `send(event, ...)` and `ask(event, ...)`. It comes back
 * with the same id when the client reconnects.
 */
export default function multiplex(primus) {
  const MESSAGE = 0;
  const SUBSCRIBE = 1;
  const UNSUBSCRIBE = 2;
  const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
  const { Stream } = primus;
  const streams = Stream.of(primus);
  const byKey = new Map();
  // Whether the subscriptions wait for the next connection already, as new ones do.
  let isRenewed = true;

  const key = (name, id) => JSON.stringify([name, id]);

  function newId() {
    let id = '';

    // All of one length, so that a server frames a message once.
    while (id.length < 13) id += LETTERS[Math.floor(primus.clock.random() * LETTERS.length)];
    return id;
  }

  class Channel extends Stream {
    constructor(name) {
      super(streams);
      this.name = this.channel = name;
      this.conn = primus;
      this.id = newId();
      this.error = null;
      // What the plugin `emitter` makes of a message.
      this._isEvent = primus.emitter ? primus.emitter.attach(this) : () => false;
    }

    get subscription() {
      return [SUBSCRIBE, this.id, this.name];
    }

    transmit(data) {
      const packet = [MESSAGE, this.id, this.name];

      // As in Node, where `null` would end the process of a server with primus-emitter.
      if (data !== undefined && data !== null) packet.push(data);
      return primus.write(packet);
    }

    sendEnd() {
      primus.write([UNSUBSCRIBE, this.id, this.name]);
    }

    receive(data) {
      if (!this._isEvent(data)) this.deliver('data', data);
    }

    unsubscribed(reason) {
      if (reason && typeof reason.error === 'string') {
        this.error = new Error(`"${this.name}": ${reason.error}`);
        this.error.name = 'ChannelRefused';
        if (!this.tell('error', this.error)) primus.deliver('error', this.error);
      }
      this.finish(false);
    }

    closed() {
      byKey.delete(key(this.name, this.id));
    }
  }

  primus.channel = (name) => {
    if (!name) return primus;
    if (typeof name !== 'string') throw new TypeError('The name of a channel must be a text');
    const channel = new Channel(name);

    if (!channel.ended) {
      byKey.set(key(name, channel.id), channel);
      primus.write(channel.subscription);
    }
    return channel;
  };

  function isPacket(data) {
    if (!Array.isArray(data) || (data.length !== 3 && data.length !== 4)) return false;
    const [kind, id, name] = data;

    return (kind === MESSAGE || kind === SUBSCRIBE || kind === UNSUBSCRIBE)
      && typeof id === 'string' && id !== '' && typeof name === 'string' && name !== '';
  }

  function incoming({ data }) {
    // Messages of streams above the client stay messages.
    if (this !== primus || !isPacket(data)) return true;
    const [kind, id, name, payload] = data;
    const channel = byKey.get(key(name, id));

    if (channel && kind === MESSAGE) channel.receive(payload);
    else if (channel && kind === UNSUBSCRIBE) channel.unsubscribed(payload);
    return false;
  }

  // Ahead of what is written while there is no connection, and of what is sent again.
  function renew() {
    if (isRenewed) return;
    isRenewed = true;
    for (const channel of byKey.values()) primus.writeFirst(channel.subscription);
  }

  incoming.isLast = true;
  primus.transform('incoming', incoming);
  primus.on('open', () => {
    isRenewed = false;
    // A short queue may have dropped them. A server ignores what it knows.
    if (primus.options.queueSize === Infinity) return;
    for (const channel of byKey.values()) primus.write(channel.subscription);
  });
  primus.on('incoming::end', renew);
  primus.on('close', renew);
}
