/*
 * What the tests can ask of any JavaScript client of Primus: the Node clients of Primus 5, 6 and 8, and our own
 * primus.js in Node and in a page. `report(on, event, fields)` tells the test what happened.
 */
(function expose(make) {
  if (typeof module !== 'undefined' && module.exports) module.exports = make;
  else globalThis.makeSockets = make;
})(function makeSockets(report, streams) {
  'use strict';

  var sockets = {};

  function attempt(on, event) {
    return function scheduled(first, second) {
      var opts = second || first || {};
      report(on, event, {
        attempt: opts.attempt,
        scheduled: opts.scheduled,
        message: first instanceof Error ? first.message : undefined
      });
    };
  }

  function plain(on, event) {
    return function happened() { report(on, event, {}); };
  }

  /** Reports an event that came over the wire; an acknowledgement that is asked for has the arguments. */
  function hearing(on, name) {
    return function heard() {
      var args = Array.prototype.slice.call(arguments)
        , ack = typeof args[args.length - 1] === 'function' ? args.pop() : null;

      report(on, 'heard', { name: name, args: args });
      if (ack) ack.apply(null, args);
    };
  }

  /** Subscribes to a channel, and gives the id. */
  function subscribe(on, stream, name, inside) {
    var channel = sockets[on].channel(name);

    streams.watch(on, stream, channel, inside);
    report(on, 'channel', { stream: stream, id: channel.id });
    return channel.id;
  }

  return {
    /** Makes `new Socket(url, options)`, and writes `writes` at once, long before it can be open. */
    connect: function connect(Socket, message) {
      var on = message.on
        , socket = sockets[on] = new Socket(message.url, message.options);

      socket.on('data', function data(value) { report(on, 'data', { data: value }); });
      socket.on('error', function error(err) {
        report(on, 'error', { message: String(err && err.message), status: err && err.status });
      });
      socket.on('readyStateChange', function change(state) { report(on, 'readyStateChange', { state: state }); });

      ['open', 'close', 'end', 'offline', 'online', 'timeout', 'destroy'].forEach(function each(event) {
        socket.on(event, plain(on, event));
      });
      ['reconnect', 'reconnect scheduled', 'reconnected', 'reconnect timeout', 'reconnect failed']
        .forEach(function each(event) { socket.on(event, attempt(on, event)); });

      (message.hear || []).forEach(function each(name) {
        socket.on(name, hearing(on, name));
      });

      (message.resources || []).forEach(function each(about) {
        var resource = socket.resource(about.name, about.multiplex);

        resource.on('ready', function ready(name, methods) {
          report(on, 'ready', { name: about.name, methods: methods.slice().sort() });
        });
        resource.on('bark', hearing(on, about.name));
      });

      (message.substreams || []).forEach(function each(name) { streams.watch(on, name, socket.substream(name)); });
      (message.channels || []).forEach(function each(name) { subscribe(on, name, name, message.inside); });

      (message.writes || []).forEach(function each(value) { socket.write(value); });
    },

    /** Calls a method of a resource, and gives what it answers. */
    call: function call(message) {
      var resource = sockets[message.on].resource(message.name, message.multiplex);

      return new Promise(function wait(resolve) {
        resource[message.method].apply(resource, message.args.concat(function ack() {
          resolve(Array.prototype.slice.call(arguments));
        }));
      });
    },

    subscribe: function again(message) {
      return subscribe(message.on, message.stream, message.name, message.inside);
    },

    write: function write(message) {
      message.values.forEach(function each(value) { sockets[message.on].write(value); });
    },

    emit: function emit(message) {
      var socket = sockets[message.on];

      return socket.emit.apply(socket, [message.name].concat(message.args));
    },

    /** Sends an event of primus-emitter; with `ask` it waits for what is acknowledged. */
    send: function send(message) {
      var socket = sockets[message.on]
        , args = [message.name].concat(message.args);

      if (!message.ask) return void socket.send.apply(socket, args);
      return new Promise(function wait(resolve) {
        socket.send.apply(socket, args.concat(function ack() {
          resolve(Array.prototype.slice.call(arguments));
        }));
      });
    },

    /** Sends a request of primus-responder, and gives the response. */
    request: function request(message) {
      return new Promise(function wait(resolve) {
        sockets[message.on].writeAndWait(message.data, resolve);
      });
    },

    end: function end(message) {
      if ('data' in message) sockets[message.on].end(message.data);
      else sockets[message.on].end();
    },

    open: function open(message) { sockets[message.on].open(); },
    /** Lets an error happen, as far as listeners can tell. */
    fail: function fail(message) { sockets[message.on].emit('error', new Error(message.text)); },
    destroy: function destroy(message) { sockets[message.on].destroy(); },
    state: function state(message) { return sockets[message.on].readyState; },
    latency: function latency(message) { return sockets[message.on].latency; },

    id: function id(message) {
      return new Promise(function wait(resolve) { sockets[message.on].id(resolve); });
    }
  };
});
