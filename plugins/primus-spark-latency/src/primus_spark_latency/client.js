/**
 * The browser half: reports each round trip that has been measured, in milliseconds.
 *
 * With the option `use_clock_offset` the report tells the clock of the client, too.
 */
// To a server of Node, a latency of 0 is no report but a message.
const SHORTEST = 0.1;

export default function sparkLatency(primus, { use_clock_offset: clock }) {
  const report = () => {
    const packet = { _latency: Math.max(SHORTEST, primus.latency) };

    if (clock) packet._clock = primus.clock.now();
    primus.write(packet);
  };

  primus.on('incoming::id', report);
  // Only a client that pings by itself measures by the pongs.
  primus.on('incoming::pong', () => { if (primus.options.ping) report(); });
}

sparkLatency.optionNames = ['use_clock_offset'];
