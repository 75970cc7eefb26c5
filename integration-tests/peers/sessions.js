'use strict';

/*
 * node sessions.js FOLDER: cookies as express-session and connect, installed in FOLDER, make them, with what their store
 * holds, as JSON. The application that is asked keeps a user in its session.
 */
const http = require('http');
const path = require('path');
const { createRequire } = require('module');

const installed = createRequire(path.join(process.argv[2], 'package.json'));
const bundled = createRequire(installed.resolve('primus-express-session'));
const SECRET = 'keyboard cat';

/** What a browser would send after it has got the session of an application. */
function cookieOf(app) {
  return new Promise((resolve, reject) => {
    const server = http.createServer(app).listen(0, '127.0.0.1', () => {
      http.get({ port: server.address().port, host: '127.0.0.1' }, (res) => {
        res.resume().on('end', () => {
          server.close();
          resolve(res.headers['set-cookie'].map((each) => each.split(';')[0]).join('; '));
        });
      }).on('error', reject);
    });
  });
}

function page(req, res) {
  req.session.user = { id: 7, name: 'Zoë; =.,' };
  res.end('hello');
}

(async () => {
  const session = installed('express-session');
  const stored = new session.MemoryStore();
  const express = installed('connect')()
    .use(session({ secret: [SECRET], store: stored, resave: false, saveUninitialized: true }))
    .use(page);
  const old = bundled('connect');
  const oldStored = new old.session.MemoryStore();
  const connect = old().use(old.cookieParser()).use(old.session({ secret: SECRET, store: oldStored })).use(page);
  const alone = old().use(old.cookieParser()).use(old.cookieSession({ secret: SECRET })).use(page);

  process.stdout.write(JSON.stringify({
    express: { cookie: await cookieOf(express), sessions: stored.sessions },
    connect: { cookie: await cookieOf(connect), sessions: oldStored.sessions },
    alone: { cookie: await cookieOf(alone) }
  }));
  process.exit(0);
})();
