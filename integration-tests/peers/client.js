'use strict';

/*
 * node client.js FOLDER
 *
 * Clients of the Primus installed in FOLDER, made by `Primus.createSocket`; or, with a `library`, clients made by that
 * file: a primus.js saved from our server, which finds `ws` in FOLDER because it is saved there.
 */
const http = require('http');
const path = require('path');
const { createRequire } = require('module');
const wire = require('./wire.js');
const makeSockets = require('./sockets.js');
const makeStreams = require('./streams.js');
const engineio = require('./engineio.js');
const socketio = require('./socketio.js');

const [folder] = process.argv.slice(2);
const installed = createRequire(path.join(folder, 'package.json'));
const streams = makeStreams(wire.report);
const commands = Object.assign(makeSockets(wire.report, streams), streams.commands);
const { connect } = commands;

function socketClass({ library, transformer, parser, plugin, pathname }) {
  if (library) return installed(library);
  // Made in a realm of its own, primus-analytics would look for `ga` there.
  if (parser === 'binary' || /analytics/.test(plugin)) return ofThisRealm({ transformer, parser, plugin, pathname });

  const options = wire.inNode({ transformer, parser, plugin, pathname: pathname || '/primus' });

  return installed('primus').createSocket(options);
}

/**
 * `createSocket` runs the client in a realm of its own, whose parser `binary` knows the objects and arrays of that realm
 * only. Run here, as the documentation of Primus has it for the saved file, it knows ours.
 */
function ofThisRealm(options) {
  const Primus = installed('primus');
  const source = new Primus(http.createServer(), options).library(true);
  const made = { exports: {} };

  new Function('module', 'exports', 'require', source)(made, made.exports, installed);
  return made.exports;
}

commands.connect = (message) => {
  if (/analytics/.test(message.plugin)) globalThis.ga = (...args) => wire.report(message.on, 'ga', { args });
  if (message.transformer === 'engine.io') engineio.keepTo(installed, message);
  if (message.transformer === 'socket.io') socketio.keepTo(installed, message);
  connect(socketClass(message), message);
};

wire.serve(commands);
