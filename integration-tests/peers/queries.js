'use strict';

/*
 * node queries.js LIBRARY URL OPTIONS QUERIES
 *
 * Connects a client of the primus.js LIBRARY once for each of the QUERIES (JSON), one after the other.
 */
const [library, url, options, queries] = process.argv.slice(2);
const Primus = require(library);

async function visit(query) {
  const socket = new Primus(url + query, JSON.parse(options));

  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', (error) => reject(Object.assign(error, { query })));
  });
  socket.end();
}

(async function visitAll() {
  for (const query of JSON.parse(queries)) await visit(query);
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
