'use strict';

/* node cluster.js FOLDER: servers of the Primus in FOLDER, with rooms, metroplex and omega-supreme. */
const http = require('http');
const path = require('path');
const { createRequire } = require('module');
const wire = require('./wire.js');

const load = createRequire(path.join(process.argv[2], 'package.json'));
const Primus = load('primus');
const Redis = load('ioredis');
const servers = new Map();

/** What a client asks for: {join: room}, {leave: room}, {say: [room, text]}, {echo: value}. */
function obey(spark) {
  spark.on('data', (message) => {
    if (message.join) spark.join(message.join, () => spark.write({ joined: message.join }));
    if (message.leave) spark.leave(message.leave, () => spark.write({ left: message.leave }));
    if (message.say) spark.room(message.say[0]).except(spark.id).write(message.say[1]);
    if ('echo' in message) spark.write(message.echo);
  });
}

function promised(start) {
  return new Promise((resolve, reject) => {
    start((err, result) => (err ? reject(err) : resolve(result)));
  });
}

wire.serve({
  listen({ on, port, redis, options }) {
    const server = http.createServer();
    const client = new Redis(redis, '127.0.0.1', { maxRetriesPerRequest: null });
    const rooms = {};

    if (options.redis_rooms) {
      const Adapter = load('primus-rooms-redis-adapter');
      rooms.adapter = new Adapter(new Redis(redis, '127.0.0.1'), {
        metroplexOmegaSupreme: options.redis_rooms === 'forward'
      });
    }
    delete options.redis_rooms;
    const primus = new Primus(server, Object.assign({
      transformer: 'websockets', parser: 'json', redis: client, rooms
    }, options));

    client.on('error', () => {});
    primus.on('error', () => {});
    primus.plugin('rooms', load('primus-rooms'));
    primus.plugin('omega-supreme', load('omega-supreme'));
    primus.plugin('metroplex', load('metroplex'));
    primus.on('connection', (spark) => {
      wire.report(on, 'connection', { spark: spark.id });
      obey(spark);
    });
    servers.set(on, primus);

    return new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve(server.address().port));
    });
  },

  whereis({ on, spark }) {
    return promised((done) => servers.get(on).metroplex.spark(spark, done));
  },

  addresses({ on }) {
    return promised((done) => servers.get(on).metroplex.servers(done)).then((list) => list.sort());
  },

  forward({ on, how, arguments: given }) {
    const forward = servers.get(on).forward;
    const fn = how === 'forward' ? forward : forward[how];

    return promised((done) => fn(...given, done)).catch((err) => ({ error: err.message }));
  },

  rooms({ on, room }) {
    return promised((done) => servers.get(on).room(room).clients(done)).then((ids) => ids.sort());
  },

  room_write({ on, room, data }) { servers.get(on).room(room).write(data); },

  destroy({ on }) {
    return promised((done) => servers.get(on).destroy({ close: true }, () => done()));
  }
});
