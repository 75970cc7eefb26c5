'use strict';

/*
 * node client.js FOLDER
 *
 * Clients of the Primus installed in FOLDER, made by `Primus.createSocket`; or, with a `library`, clients made by that
 * file: a primus.js saved from our server, which finds `ws` in FOLDER because it is saved there.
 */
const path = require('path');
const { createRequire } = require('module');
const wire = require('./wire.js');
const makeSockets = require('./sockets.js');

const [folder] = process.argv.slice(2);
const installed = createRequire(path.join(folder, 'package.json'));
const commands = makeSockets(wire.report);
const { connect } = commands;

function socketClass({ library, transformer, parser, pathname }) {
  if (library) return installed(library);

  return installed('primus').createSocket(wire.inNode({ transformer, parser, pathname: pathname || '/primus' }));
}

commands.connect = (message) => connect(socketClass(message), message);

wire.serve(commands);
