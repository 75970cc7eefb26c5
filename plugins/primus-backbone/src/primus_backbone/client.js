/**
 * The browser half: `Backbone.sync` over the client, and `ioBind`, `ioUnbind` and `ioUnbindAll` of
 * models and collections.
 *
 * `globalThis.Backbone` is found by itself; `primus.backbone(Backbone)` is for one that is imported.
 */
const installed = new WeakSet();
const bindings = new WeakMap();

/** A property of a model, or what it gives if it is a function. */
const result = (model, value) => (typeof value === 'function' ? value.call(model) : value);

/** The url of a model or collection. */
function urlOf(model, given) {
  const url = result(model, given || (model && model.url));

  if (!url) throw new Error('A "url" property or function must be specified');
  return url;
}

function install(Backbone) {
  if (installed.has(Backbone)) return;
  installed.add(Backbone);

  const socketOf = (model) => {
    const { socket, collection } = model || {};
    const io = socket || (collection && collection.socket) || Backbone.socket;

    if (!io) throw new Error('backbone: there is no client: set Backbone.socket, or that of the model');
    return io;
  };

  Backbone.ajaxSync = Backbone.sync;
  Backbone.sync = function sync(method, model, options = {}) {
    if (model && model.ajaxSync) return Backbone.ajaxSync.call(this, method, model, options);
    return ask(socketOf(model), method, model, options);
  };
  for (const { prototype } of [Backbone.Model, Backbone.Collection]) {
    Object.assign(prototype, binding(socketOf));
  }
}

/** What is sent of a model: for a patch, what has changed, and its id. */
function dataOf(method, model, { data, attrs }, options) {
  const sent = data || attrs || (model && model.toJSON(options)) || {};
  const id = (model && model.idAttribute) || 'id';

  return method === 'patch' && sent[id] === undefined ? { ...sent, [id]: model.id } : sent;
}

function ask(io, method, model, options) {
  const url = urlOf(model, options.url);
  const name = url.split('/').find(Boolean) || '';
  const later = (error) => io.clock.setTimeout(() => { throw error; }, 0);
  // A callback of the user that throws is no failure of the request.
  const call = (fn, value) => {
    try {
      if (fn) fn(value);
    } catch (error) {
      later(error);
    }
  };

  if (typeof io.ask !== 'function') throw new Error('backbone: the plugin emitter is not in use');
  const promise = io.ask(`${name}:${method}`, dataOf(method, model, options, options), url).then((answer) => {
    // `[null, attributes]` arrives as the two, `[error]` and `[null]` as what is in them.
    const isGood = Array.isArray(answer) ? answer[0] === null : !answer;
    const attributes = isGood && answer ? answer[1] : undefined;

    if (!isGood) throw answer;
    call(options.success, attributes);
    return attributes;
  });

  promise.catch((error) => call(options.error, error));
  if (model) model.trigger('request', model, promise, options);
  return promise;
}

/** The methods that bind a model to events of the server: `<url>:<event>`. */
function binding(socketOf) {
  const of = (model) => bindings.get(model) || [];
  const keep = (model, kept) => bindings.set(model, kept);

  /** Stops what `matches`, and leaves the rest. */
  const unbind = (model, matches) => {
    keep(model, of(model).filter((bound) => {
      bound.locals = bound.locals.filter(({ fn, context }) => {
        if (!matches(bound, fn)) return true;
        model.off(bound.event, fn, context);
        return false;
      });
      if (bound.locals.length) return true;
      bound.io.removeListener(bound.name, bound.relay);
      return false;
    }));
    return model;
  };

  return {
    ioBind(event, io, fn, context) {
      if (typeof io === 'function') return this.ioBind(event, socketOf(this), io, fn);
      const name = `${urlOf(this)}:${event}`;
      const local = { fn, context: context || this };
      let bound = of(this).find((each) => each.name === name && each.io === io);

      if (!bound) {
        bound = { event, io, name, locals: [], relay: (...args) => { this.trigger(event, ...args); } };
        io.on(name, bound.relay);
        keep(this, [...of(this), bound]);
      }
      bound.locals.push(local);
      return this.on(event, fn, local.context);
    },

    ioUnbind(event, io, fn) {
      if (typeof io === 'function') return this.ioUnbind(event, undefined, io);
      return unbind(this, (bound, each) => (
        bound.event === event && (!io || bound.io === io) && (!fn || each === fn)
      ));
    },

    ioUnbindAll(io) {
      return unbind(this, (bound) => !io || bound.io === io);
    }
  };
}

export default function backbone(primus) {
  primus.backbone = (Backbone) => {
    install(Backbone);
    if (!Backbone.socket) Backbone.socket = primus;
    primus.on('destroy', () => { if (Backbone.socket === primus) Backbone.socket = null; });
    return Backbone;
  };
  if (globalThis.Backbone) primus.backbone(globalThis.Backbone);
}
