/**
 * The browser half: `primus.template(text)`, and the event `template`.
 *
 * An ES module without imports. It is called once for each client, with the client and its options.
 */
const KEY = 'template';

export default function template(primus) {
  primus.template = (text) => primus.write({ [KEY]: text });

  primus.transform('incoming', function incoming({ data }) {
    // Messages of streams above the client, which `this` is then, stay messages. A server can send
    // anything: null, for one, has no members.
    if (this !== primus || !data || typeof data[KEY] !== 'string') return true;
    return primus.deliver('template', data[KEY]);
  });
}
