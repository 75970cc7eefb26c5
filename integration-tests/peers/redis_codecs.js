'use strict';

/* node redis_codecs.js FOLDER: servers of the Primus in FOLDER that share a Redis by one of its plugins. */
const http = require('http');
const path = require('path');
const { createRequire } = require('module');
const wire = require('./wire.js');

const load = createRequire(path.join(process.argv[2], 'package.json'));
const Primus = load('primus');
const servers = new Map();

/** What each plugin is given, and what it stands on. */
const PLUGINS = {
  cluster: ['primus-rooms', 'primus-emitter', 'primus-cluster'],
  'redis-rooms': ['primus-redis-rooms'],
  redis: ['primus-redis']
};

wire.serve({
  listen({ on, port, redis, plugin, options }) {
    const server = http.createServer();
    const where = { host: '127.0.0.1', port: redis };
    const settings = plugin === 'cluster'
      ? { cluster: { redis: where, ...options } }
      : { redis: { ...where, ...options } };
    const primus = new Primus(server, { transformer: 'websockets', parser: 'json', ...settings });

    primus.on('error', () => {});
    for (const name of PLUGINS[plugin]) {
      const given = load(name);
      primus.plugin(name.replace('primus-', ''), given.server ? { server: given.server } : given);
    }
    primus.on('connection', (spark) => {
      wire.report(on, 'connection', { spark: spark.id });
      spark.on('data', (message) => {
        if (message.join) spark.join(message.join, () => spark.write({ joined: message.join }));
        if (message.join && plugin === 'redis-rooms') spark.write({ joined: message.join });
      });
    });
    servers.set(on, primus);

    return new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve(server.address().port));
    });
  },

  say({ on, how, room, without, args }) {
    const primus = servers.get(on);

    for (const each of args) {
      let to = room ? primus.room(room) : primus;  // a selection is good for one message

      if (without) to = to.except(without);
      to[how](...each);
    }
  },

  rooms({ on, room }) {
    return new Promise((resolve, reject) => {
      servers.get(on).room(room).clients((err, ids) => (err ? reject(err) : resolve(ids.sort())));
    });
  },

  destroy({ on }) {
    return new Promise((resolve) => {
      servers.get(on).destroy({ close: true }, () => resolve());
    });
  }
});
