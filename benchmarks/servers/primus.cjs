// The reference: node primus.cjs MODE '{"transformer":"websockets"}'; modules come from NODE_PATH.
'use strict';

const http = require('node:http');
const Primus = require('primus');

const [, , mode, options] = process.argv;
const server = http.createServer((request, response) => response.end());
const primus = new Primus(server, { iknowhttpsisbetter: true, ...JSON.parse(options) });

primus.on('connection', (spark) => {
  const write = mode === 'broadcast' ? (data) => primus.write(data) : (data) => spark.write(data);
  spark.on('data', write);
});

server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));
