/**
 * Objects of the server whose methods can be called: `primus.resource(name, multiplex)`.
 *
 * A resource has a method for each of the server's once it is ready: `ready` is an event
 * `(name, methods)`, and `await resource.ready()` a promise of the names. A method gives a promise of
 * the answer, or calls a last argument that is a function with it, as in Node.
 *
 * The option `resource: { names: 1024 }` is how many names are kept of what a server announces.
 */

// How many characters all that a server announces over a connection may have.
const ROOM = 1 << 20;
// What a name costs beside its characters.
const OVERHEAD = 64;

const sizeOf = (names) => names.reduce((size, name) => size + name.length + OVERHEAD, 0);

export default function resources(primus, options) {
  const most = { names: 1024, ...options.resource }.names;
  const namesIn = (names) => (
    (Array.isArray(names) ? names.slice(0, most) : []).filter((name) => typeof name === 'string')
  );
  const made = new Map();
  const streams = new Map();
  // What the server has said of resources that nothing here has asked for yet.
  const announced = new Map();
  let left = ROOM;
  const { deliver } = primus;

  function announce(event, names) {
    const known = announced.get(event);
    const rest = left + (known ? sizeOf([event, ...known]) : 0) - sizeOf([event, ...names]);

    if (rest < 0 || (!known && announced.size >= most)) return;
    announced.set(event, names);
    left = rest;
  }

  primus.deliver = (event, ...args) => {
    if (typeof event === 'string' && /::ready$/.test(event)) announce(event, namesIn(args[0]));
    return deliver.call(primus, event, ...args);
  };
  primus.on('close', () => {
    announced.clear();
    left = ROOM;
  });

  function make(name, stream, prefix) {
    const listeners = [];
    const waiting = [];
    // The methods that are the server's, by name.
    const added = new Map();
    let isReady = false;
    // Whether nothing will come any more, unless the client is opened anew.
    let isOver = stream.destroyed;
    const resource = {
      name,
      methods: [],
      /** A promise of the names of the methods; it fails when the connection ends before. */
      ready: () => new Promise((resolve, reject) => {
        if (isReady) resolve(resource.methods);
        else if (isOver) reject(lost());
        else waiting.push({ resolve, reject });
      }),
      /** Calls a method by its name. */
      call(method, ...args) {
        const event = prefix + method;

        if (typeof args[args.length - 1] === 'function') {
          stream.send(event, ...args);
          return resource;
        }
        const answer = stream.ask(event, ...args);

        // A caller that does not look at the answer is not told of a failure either.
        answer.catch(() => {});
        return answer;
      },
      on(event, fn) {
        if (event === 'ready') listeners.push(fn);
        else stream.on(prefix + event, fn);
        return resource;
      },
      once(event, fn) {
        if (event !== 'ready') {
          stream.once(prefix + event, fn);
          return resource;
        }
        const first = (...args) => {
          resource.off('ready', first);
          fn(...args);
        };

        return resource.on('ready', first);
      },
      off(event, fn) {
        if (event !== 'ready') stream.off(prefix + event, fn);
        else if (fn === undefined) listeners.length = 0;
        else if (listeners.indexOf(fn) >= 0) listeners.splice(listeners.indexOf(fn), 1);
        return resource;
      }
    };

    // What the server names never replaces what is ours, or what every object has. With `then` the
    // resource would be taken for a promise.
    function add(method) {
      if (method in resource || method === 'then') return;
      const call = (...args) => resource.call(method, ...args);

      resource[method] = call;
      added.set(method, call);
    }

    function take(names) {
      // A server that was replaced may have others.
      for (const [method, call] of added) if (resource[method] === call) delete resource[method];
      added.clear();
      resource.methods = namesIn(names);
      resource.methods.forEach(add);
      isReady = true;
      waiting.splice(0).forEach(({ resolve }) => resolve(resource.methods));
      for (const listener of listeners.slice()) listener(name, resource.methods);
    }

    function lost() {
      const error = new Error(`The connection ended before the resource "${name}" was ready`);

      return Object.assign(error, { name: 'ResourceLost' });
    }

    function lose() {
      isOver = true;
      waiting.splice(0).forEach(({ reject }) => reject(lost()));
    }

    // `ready` is a promise as well: `await resource.ready`.
    resource.ready.then = (resolve, reject) => resource.ready().then(resolve, reject);
    stream.on(`${prefix}ready`, take);
    stream.on('end', lose);
    if (stream === primus) {
      primus.on('destroy', lose);
      primus.on('readyStateChange', () => { isOver = primus.destroyed; });
    }
    if (announced.has(`${prefix}ready`)) take(announced.get(`${prefix}ready`));
    return resource;
  }

  primus.resource = (name, multiplex = true) => {
    const key = `${multiplex ? 'channel' : 'flat'} ${name}`;

    // A channel that has ended does not come back: its end, a refusal, or an end of the client.
    if (!made.has(key) || (multiplex && streams.get(key).destroyed)) {
      if (!primus.ask || (multiplex && !primus.channel)) {
        throw new Error(
          `The resource "${name}" needs the plugin ${primus.ask ? 'multiplex' : 'emitter'}`
        );
      }
      const stream = multiplex ? primus.channel(name) : primus;

      streams.set(key, stream);
      made.set(key, make(name, stream, multiplex ? '' : `${name}::`));
    }
    return made.get(key);
  };
  primus.resources = made;
}
