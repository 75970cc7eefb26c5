'use strict';

/*
 * Substreams and channels, of servers and of clients, under commands: each is known by the name that the test gives it,
 * or, on a server, by the name and the id of its spark. `report(on, event, fields)` tells the test what happened.
 */
module.exports = function makeStreams(report) {
  const streams = new Map();
  const of = ({ on, stream }) => streams.get(`${on} ${stream}`);

  return {
    /** Reports what a stream emits, and events that are sent within it; an acknowledgement has their arguments. */
    watch(on, name, stream, hear = []) {
      streams.set(`${on} ${name}`, stream);
      stream.on('data', (data) => report(on, 'stream data', { stream: name, data }));
      stream.on('end', () => report(on, 'stream end', { stream: name }));
      for (const event of hear) {
        stream.on(event, (...args) => {
          const ack = typeof args[args.length - 1] === 'function' ? args.pop() : null;

          report(on, 'stream heard', { stream: name, args });
          if (ack) ack(...args);
        });
      }
    },

    commands: {
      stream_write(message) { return message.values.map((value) => of(message).write(value)); },
      stream_end(message) { of(message).end(message.data); },
      stream_join(message) { of(message).join(message.room); },

      /** Sends an event of primus-emitter; with `ask` it waits for what is acknowledged. */
      stream_send(message) {
        const { name, args, ask } = message;

        if (!ask) return void of(message).send(name, ...args);
        return new Promise((resolve) => { of(message).send(name, ...args, (...answer) => resolve(answer)); });
      }
    }
  };
};
