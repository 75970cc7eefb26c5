/**
 * Events over the wire: `primus.emit` sends every event that is not reserved to the server, and
 * what the server emits reaches the listeners here. `primus.dispatch` emits here.
 */
// How many values an event has at most: they are on the stack together, several times over, and a
// server could end a process of Node by more than that has room for.
const MOST_VALUES = 4096;

export default function emit(primus) {
  const local = (event) => (
    event === 'newListener' || event === 'removeListener' || primus.reserved(event)
  );

  primus.emit = (event, ...args) => (
    local(event) ? primus.dispatch(event, ...args) : primus.write({ emit: [event, ...args] })
  );

  primus.transform('incoming', function incoming({ data }) {
    const event = data && data.emit;

    // Messages of streams above the client stay messages.
    if (this !== primus || !Array.isArray(event)) return true;
    // Anything but a text is no name; asking whether it is reserved could even throw.
    if (typeof event[0] !== 'string' || primus.reserved(event[0])) return false;
    if (event.length > MOST_VALUES) {
      throw new Error(`An event with more than ${MOST_VALUES} values is not taken`);
    }
    return primus.deliver(...event);
  });
}
