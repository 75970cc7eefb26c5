/**
 * Session ids: `primus.mirage`, empty until the server has announced one, and the event
 * `mirage(id)`. The option `mirage` is an id to use again.
 *
 * While there is no id, messages wait; control text does not. The announcement comes through the
 * plugin `emit` or `emitter`: without one of them nothing waits.
 */
const FIELD = '_mirage';
const PATIENCE = 5000;
const LONGEST = 4096; // with a longer one no server would read the next request
const MISSING = 'Primus: no session id yet, for which all messages wait: does the server use the ' +
  'plugin mirage with the same event plugin?';

export default function mirage(primus, options) {
  const own = (name) => Object.prototype.hasOwnProperty.call(primus, name);

  primus.mirage = typeof options.mirage === 'string' ? options.mirage : '';

  primus.on('mirage', (id) => {
    if (typeof id !== 'string' || !id || id.length > LONGEST) return;
    primus.mirage = id;
    primus.timers.clear(FIELD);
    primus.releaseMessages('mirage');
  });

  primus.on('outgoing::url', (address) => {
    if (!primus.mirage) {
      // The event plugins have been used by now.
      if (own('send') || own('emit')) primus.holdMessages('mirage');
      return;
    }
    const fields = primus.querystring(address.query || '');

    delete fields[FIELD];
    fields[FIELD] = primus.mirage;
    address.query = primus.querystringify(fields);
  });

  primus.on('open', () => {
    if (primus.mirage || !own('send') && !own('emit')) return;
    primus.timers.setTimeout(FIELD, () => console.warn(MISSING), PATIENCE);
  });
}
