/**
 * Requests and responses: `primus.writeAndWait(data)`, a promise of the response, or
 * `primus.writeAndWait(data, callback)`, and the event `request(data, done)`.
 *
 * Both take `{ timeout }` as a last argument: milliseconds, `false` for as long as the connection
 * lasts. The option `responder` has the one for all requests: `{ timeout: 30000 }`.
 */
const PLUGIN = 'primus-responder';
const WORDS = {
  late: 'ResponseTimeout', lost: 'ResponseLost', failed: 'ResponseFailed', answered: 'answered'
};

export default function responder(primus, options) {
  const settings = { timeout: 30000, ...options.responder };
  // A Node server may respond over the next connection, so ids never come again.
  const name = Math.random().toString(36).slice(2);
  let count = 0;
  const nextId = () => `${name}-${count += 1}`;
  const answers = primus.answers(WORDS, nextId, settings.timeout);

  primus.writeAndWait = (data, ...more) => {
    const callback = typeof more[0] === 'function' ? more.shift() : null;
    const { timeout } = { timeout: settings.timeout, ...more[0] };
    const send = (requestId) => primus.write({ plugin: PLUGIN, requestId, data, fails: true });

    if (!callback) return answers.answer('the request', send, timeout);
    answers.ask('the request', send, callback, () => {}, timeout);
    return primus;
  };

  primus.transform('incoming', function incoming({ data: message }) {
    // Messages of streams above the client stay messages.
    if (this !== primus || !message || message.plugin !== PLUGIN) return true;
    const { requestId, responseId, data, error, fails } = message;

    if (requestId) {
      const respond = (value) => ({ plugin: PLUGIN, responseId: requestId, data: value });
      const refuse = (why) => ({ plugin: PLUGIN, responseId: requestId, error: why });

      answers.deliver('request', [data], respond, fails === true ? refuse : null);
    } else if (responseId) {
      if (typeof error === 'string') answers.fail(responseId, error);
      else answers.arrived(responseId, data);
    }
    return false;
  });
}
