// Primus for Node with primus-rooms and primus-cluster: a server of a cluster, as rooms_server.py.
'use strict';

const http = require('node:http');
const Primus = require('primus');

const redis = { host: '127.0.0.1', port: Number(process.env.BENCH_REDIS_PORT) };
const server = http.createServer((request, response) => response.end());
const primus = new Primus(server, {
  iknowhttpsisbetter: true, transformer: 'websockets', pingInterval: 600000, cluster: { redis },
});
primus.plugin('rooms', require('primus-rooms'));
primus.plugin('cluster', require('primus-cluster'));

primus.on('connection', (spark) => {
  if (spark.query.room) spark.join(spark.query.room);
  spark.on('data', (message) => primus.room(message.room).write(message.data));
});

server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));
