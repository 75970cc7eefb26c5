// Socket.IO 4 with its redis adapter: a server of a cluster, as rooms_server.py.
'use strict';

const http = require('node:http');
const { Server } = require('socket.io');
const { createAdapter } = require('@socket.io/redis-adapter');
const { createClient } = require('redis4');

async function main() {
  const writer = createClient({ url: `redis://127.0.0.1:${process.env.BENCH_REDIS_PORT}` });
  const reader = writer.duplicate();
  await Promise.all([writer.connect(), reader.connect()]);
  const server = http.createServer((request, response) => response.end());
  const io = new Server(server, {
    adapter: createAdapter(writer, reader), transports: ['websocket'], pingInterval: 600000,
  });
  io.on('connection', (socket) => {
    if (socket.handshake.query.room) socket.join(socket.handshake.query.room);
    socket.on('message', ({ room, data }) => io.to(room).emit('message', data));
  });
  server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));
}

main();
