'use strict';

/* node server.js FOLDER: servers of the Primus installed in FOLDER. */
const http = require('http');
const path = require('path');
const { createRequire } = require('module');
const wire = require('./wire.js');
const makeStreams = require('./streams.js');

const installed = createRequire(path.join(process.argv[2], 'package.json'));
const Primus = installed('primus');
const modern = Number(Primus.prototype.version.split('.')[0]) > 6;
const servers = new Map();
// The responses that are not complete, by server.
const unanswered = new Map();
const streams = makeStreams(wire.report);
// A server of Node makes another channel of the same name each time that it is asked for one.
const known = new Map();

/** Primus as if no server had been made: plugins such as primus-emitter change it for the servers that come after. */
function unchanged() {
  for (const file of Object.keys(require.cache)) {
    if (/\bnode_modules\/(?:primus|mirage|substream|fortress-maximus)\b/.test(file)) delete require.cache[file];
  }

  return installed('primus');
}

/** Accepts clients with `?token=...`; the others get a 401 that says why. */
function guard(token) {
  return (req, done) => {
    if (req.query.token === token) return done();

    done({ statusCode: 401, message: 'a token, please', authenticate: 'Token realm="primus"' });
  };
}

/** Primus 5 and 6 have no `heartbeat` event: any control text and any ping frame keeps their sparks alive. */
function heartbeats(spark, beat) {
  if (modern) return spark.on('heartbeat', beat);

  spark.on('incoming::data', (raw) => { if (String(raw).slice(0, 16).includes('primus::')) beat(); });
  spark.on('incoming::ping', (time) => { if (typeof time !== 'number') beat(); });
}

/** Reports an event that came over the wire; an acknowledgement that is asked for has the arguments. */
function hearing(on, name, spark) {
  return (...args) => {
    const ack = typeof args[args.length - 1] === 'function' ? args.pop() : null;

    wire.report(on, 'heard', { name, args, spark: spark.id });
    if (ack) ack(...args);
  };
}

function watch(on, primus, echo, hear = [], overhear = []) {
  for (const name of overhear) {
    primus.on(name, (spark, ...args) => wire.report(on, 'overheard', { name, args, spark: spark.id }));
  }

  primus.on('connection', (spark) => {
    const about = { spark: spark.id };

    for (const name of hear) spark.on(name, hearing(on, name, spark));

    wire.report(on, 'connection', Object.assign({ query: spark.query, ip: spark.address.ip, mirage: spark.mirage }, about));

    spark.on('data', (data) => {
      wire.report(on, 'data', Object.assign({ data }, about));
      if (echo) spark.write(data);
    });

    heartbeats(spark, () => wire.report(on, 'heartbeat', about));
  });

  primus.on('disconnection', (spark) => wire.report(on, 'disconnection', { spark: spark.id }));
}

/** What gives and judges session ids of mirage, by name. */
const IDS = {
  made: (spark, fn) => fn(null, 'made'),
  refused: (spark, fn) => setImmediate(fn, new Error('refused')),
  replaced: (spark, fn) => setImmediate(fn, null, `not ${spark.mirage}`),
  never: () => {}
};

/** Judges messages with fortress-maximus; what it refuses is reported. */
function judge(on, primus) {
  primus.on('invalid', (err, args) => {
    wire.report(on, 'invalid', { text: err.message, name: String(err.event), args });
  });
  primus
    .validate('data', (data, next) => {
      next({ no: false, yes: true, text: 'no such data', error: new Error('an error'), nothing: '' }[data]);
    })
    .validate('news', (first, second, next) => { next(first === second); })
    .validate('later', (value, next) => { setImmediate(next, value === 'bad' ? 'too bad' : null); })
    .validate('none', (next) => { next(); })
    .validate('unheard', (value, next) => { next(); });
}

/** Reports what happens in substreams of every spark, and in channels, whose sparks are known by name and id. */
function watchStreams(on, primus, substreams = [], channels = [], hear = []) {
  primus.on('connection', (spark) => {
    for (const name of substreams) streams.watch(on, name, spark.substream(name));
  });
  for (const name of channels) {
    const channel = primus.channel(name);

    known.set(`${on} ${name}`, channel);
    channel.on('connection', (spark) => {
      wire.report(on, 'subscribed', { name, id: spark.id, spark: spark.conn.id });
      streams.watch(on, `${name} ${spark.id}`, spark, hear);
    });
    channel.on('disconnection', (spark) => wire.report(on, 'unsubscribed', { name, id: spark.id }));
  }
}

function connected(on) {
  const sparks = [];

  servers.get(on).forEach((spark) => { sparks.push(spark); });
  return sparks;
}

wire.serve(Object.assign(streams.commands, {
  listen({ on, port, options, echo, token, hear, overhear, substreams, channels, inside, ids, fortress }) {
    const server = http.createServer();
    const Fresh = options && options.plugin ? unchanged() : Primus;
    const primus = new Fresh(server, wire.inNode(Object.assign({ transformer: 'websockets', parser: 'json' }, options)));

    if (token) primus.authorize(guard(token));
    if (fortress) judge(on, primus);
    if (ids) primus.id[ids[0]](IDS[ids[1]]);
    watch(on, primus, echo, hear, overhear);
    watchStreams(on, primus, substreams, channels, inside);
    servers.set(on, primus);
    unanswered.set(on, new Set());
    server.on('request', (req, res) => {
      unanswered.get(on).add(res);
      res.on('close', () => unanswered.get(on).delete(res));
    });

    return new Promise((resolve, reject) => {
      server.on('error', reject);
      server.listen(port || 0, '127.0.0.1', () => resolve(server.address().port));
    });
  },

  channel_write({ on, name, data }) { known.get(`${on} ${name}`).write(data); },
  channel_send({ on, name, event, args }) { known.get(`${on} ${name}`).send(event, ...args); },
  channel_ids({ on, name }) { return Object.keys(known.get(`${on} ${name}`).connections); },
  channel_destroy({ on, name }) { known.get(`${on} ${name}`).destroy(); },
  room_write({ on, name, room, data }) { known.get(`${on} ${name}`).room(room).write(data); },

  broadcast({ on, data }) { servers.get(on).write(data); },
  write({ on, spark, values }) { values.forEach((value) => { servers.get(on).spark(spark).write(value); }); },

  emit({ on, spark, name, args }) { return servers.get(on).spark(spark).emit(name, ...args); },

  /** Sends an event of primus-emitter to one spark or to all; with `ask` it waits for what is acknowledged. */
  send({ on, spark, name, args, ask }) {
    const to = spark ? servers.get(on).spark(spark) : servers.get(on);

    if (!ask) return void to.send(name, ...args);
    return new Promise((resolve) => { to.send(name, ...args, (...answer) => resolve(answer)); });
  },

  /** Sends a request of primus-responder to one spark, and gives the response. */
  request({ on, spark, data }) {
    return new Promise((resolve) => { servers.get(on).spark(spark).writeAndWait(data, resolve); });
  },

  /** Makes a resource of primus-resource, with a method that answers with its arguments. */
  resource({ on, name, multiplex }) {
    servers.get(on).resource(name, {
      onecho(spark, ...args) {
        const fn = typeof args[args.length - 1] === 'function' ? args.pop() : null;

        wire.report(on, 'called', { name, args });
        if (fn) fn(...args);
      },
      onNothing(spark, fn) { fn(); }
    }, multiplex);
  },

  /** What primus-spark-latency knows of a spark. */
  measured({ on, spark }) {
    const { latency, clock_offset: offset } = servers.get(on).spark(spark);

    return { latency, offset };
  },

  bark({ on, name, args }) { servers.get(on).resources[name].broadcast('bark', ...args); },

  end({ on, spark, data, reconnect }) {
    servers.get(on).spark(spark).end(data, { reconnect: !!reconnect });
  },

  connected({ on }) { return connected(on).map((spark) => spark.id); },
  unanswered({ on }) { return [...unanswered.get(on)].map((res) => res.req.url); },
  id_for({ on, name }) { return servers.get(on).spark(name).id; },

  destroy({ on, reconnect }) {
    return new Promise((resolve) => {
      servers.get(on).destroy({ reconnect: !!reconnect, close: true }, () => resolve());
    });
  }
}));
