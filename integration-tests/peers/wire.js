'use strict';

/*
 * The conversation that every peer has with the test that started it: JSON lines.
 *
 *   test -> peer   {"id": 7, "do": "write", "on": "client-3", ...arguments}
 *   peer -> test   {"id": 7, "result": ...}  or  {"id": 7, "error": "text"}
 *   peer -> test   {"on": "client-3", "event": "data", ...fields}       whenever something happens
 *
 * Dates and bytes are tagged, see tagged.js. A command may return a promise. The peer leaves when the test closes its standard input.
 */
const readline = require('readline');
const tagged = require('./tagged.js');

/** Writes one JSON line. U+2028 and lone surrogates travel as escapes, so a line stays a line. */
function send(message) {
  process.stdout.write(tagged.stringify(message).replace(/[\u2028\u2029]/g, escaped) + '\n');
}

function escaped(character) {
  return '\\u' + character.charCodeAt(0).toString(16);
}

/** Options with the name that Node has for an engine of ours, which is the same on the wire. */
exports.inNode = function inNode(options) {
  return Object.assign({}, options, { transformer: options.transformer === 'lws' ? 'websockets' : options.transformer });
};

/** Tells the test that `event` happened to the instance called `on`. */
exports.report = function report(on, event, fields) {
  send(Object.assign({ on, event }, fields));
};

/** Answers the test's commands with the functions of `commands`, until the test hangs up. */
exports.serve = function serve(commands) {
  readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const message = tagged.parse(line);

    try {
      const result = await commands[message.do](message);
      send({ id: message.id, result: result === undefined ? null : result });
    } catch (err) {
      send({ id: message.id, error: err.stack || String(err) });
    }
  }).on('close', () => process.exit(0));
};
