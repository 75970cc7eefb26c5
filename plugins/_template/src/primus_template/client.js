/**
 * The browser half: `primus.template(text)`, and the event `template`.
 *
 * An ES module without imports. It is called once for each client, with the client and its options.
 */
const KEY = 'template';

export default function template(primus) {
  primus.template = (text) => primus.write({ [KEY]: text });

  primus.transform('incoming', ({ data }) => {
    // A server can send anything: null, for one, has no members.
    if (!data || typeof data[KEY] !== 'string') return true;
    return primus.deliver('template', data[KEY]);
  });
}
