// ws alone: node ws.cjs MODE; modules come from NODE_PATH.
'use strict';

const http = require('node:http');
const { WebSocketServer } = require('ws');

const mode = process.argv[2];
const server = http.createServer((request, response) => response.end());
const sockets = new WebSocketServer({ server });

sockets.on('connection', (socket) => {
  socket.on('message', (data) => {
    const text = JSON.stringify(JSON.parse(data));
    if (mode !== 'broadcast') return socket.send(text);
    for (const each of sockets.clients) each.send(text);
  });
});

server.listen(0, '127.0.0.1', 4096, () => console.log(server.address().port));
