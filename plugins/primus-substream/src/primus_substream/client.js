/**
 * Named streams over the connection: `primus.substream(name)`.
 *
 * A stream has `write(data)`, `end(data)`, the methods of an event emitter, `name` and `readyState`.
 */
export default function substream(primus) {
  const END = 'substream::end';
  const ESCAPED_END = 'substream::substream::end';
  const { Stream } = primus;
  const streams = Stream.of(primus);
  const byName = new Map();

  class Substream extends Stream {
    constructor(name) {
      super(streams);
      this.name = name;
      this._inbox = this.pipeline('incoming', (data) => this.deliver('data', data));
      this._outbox = this.pipeline('outgoing', (data) => this.sendPast(this._packet(data)));
    }

    /** What it stands on; `null` once it has ended. */
    get stream() {
      return this.ended ? null : primus;
    }

    /** The text of the end marker itself travels escaped: see packets.py. */
    _packet(data) {
      if (data !== END) return { substream: this.name, args: data };
      return { substream: this.name, args: ESCAPED_END, escaped: true };
    }

    transmit(data) {
      this._outbox.push(data);
      return true;
    }

    sendEnd() {
      this._outbox.after(() => this.sendPast({ substream: this.name, args: END }));
    }

    receive({ args, escaped }) {
      if (args === END) this._inbox.after(() => this.finish(false));
      else this._inbox.push(args === ESCAPED_END && escaped === true ? END : args);
    }

    closed() {
      if (byName.get(this.name) === this) byName.delete(this.name);
    }
  }

  primus.substream = (name) => {
    if (typeof name !== 'string') throw new TypeError('The name of a substream must be a text');
    const stream = byName.get(name) || new Substream(name);

    if (!stream.ended) byName.set(name, stream);
    return stream;
  };

  primus.transform('incoming', function incoming({ data }) {
    // A message of a stream passes the transforms too, with the stream as `this`.
    if (this !== primus || !data || typeof data.substream !== 'string') return true;
    const stream = byName.get(data.substream);

    if (stream) stream.receive(data);
    return !stream;
  });
}
