import assert from 'node:assert/strict';
import test, { afterEach } from 'node:test';

import plugin from '../../src/primus_backbone/client.js';

afterEach(() => { delete globalThis.Backbone; });

const settled = () => new Promise((resolve) => { setImmediate(resolve); });

/** As much of Backbone as is used; the real one is in the integration tests. */
function makeBackbone() {
  class Model {
    constructor(attributes = {}) {
      Object.assign(this, { id: attributes.id, attributes, heard: [], idAttribute: 'id' });
    }

    url() { return `/todos/${this.id}`; }
    toJSON() { return { ...this.attributes }; }

    on(event, fn, context) {
      this.heard.push({ event, fn, context });
      return this;
    }

    off(event, fn, context) {
      const is = (one) => one.event === event && one.fn === fn && one.context === context;
      const at = this.heard.findIndex(is);

      if (at >= 0) this.heard.splice(at, 1);
      return this;
    }

    trigger(event, ...args) {
      for (const one of [...this.heard]) if (one.event === event) one.fn.apply(one.context, args);
      return this;
    }
  }
  class Collection extends Model {}
  Collection.prototype.url = '/todos';
  return { Model, Collection, sync: () => 'ajax' };
}

/** A client, as far as the plugin knows one, which keeps what is asked. */
function makeClient(answer) {
  const listeners = [];
  const asked = [];
  const errors = [];

  return {
    asked,
    errors,
    clock: { setTimeout: (fn) => { try { fn(); } catch (error) { errors.push(error); } } },
    ask: (...args) => {
      asked.push(args);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    on: (event, fn) => listeners.push({ event, fn }),
    removeListener: (event, fn) => {
      const at = listeners.findIndex((each) => each.event === event && each.fn === fn);

      if (at >= 0) listeners.splice(at, 1);
    },
    count: (event) => listeners.filter((each) => each.event === event).length,
    receive: (event, ...args) => {
      for (const each of [...listeners]) if (each.event === event) each.fn(...args);
    }
  };
}

/** A Backbone with a client. */
function make(answer) {
  const Backbone = globalThis.Backbone = makeBackbone();
  const client = makeClient(answer);

  plugin(client);
  return { Backbone, client, todo: new Backbone.Model({ id: 7, title: 'milk' }) };
}

test('a model is sent to the handler that its url names, and gets the answer', async () => {
  const { Backbone, client, todo } = make([null, { title: 'bread' }]);
  const got = [];
  const options = { success: (attributes) => got.push(attributes), error: assert.fail };

  todo.on('request', (...args) => got.push(args.length), todo);
  assert.deepEqual(await Backbone.sync('update', todo, options), { title: 'bread' });
  assert.deepEqual(client.asked, [['todos:update', { id: 7, title: 'milk' }, '/todos/7']]);
  assert.deepEqual(got, [3, { title: 'bread' }]);
});

test('what is given takes the place of the attributes, and a patch has the id', async () => {
  const { Backbone, client, todo } = make([null, null]);
  const attrs = { title: 'bread' };

  await Backbone.sync('read', todo, { url: 'notes/1', data: { page: 2 } });
  await Backbone.sync('patch', todo, { attrs });
  await Backbone.sync('read', new Backbone.Collection());
  assert.deepEqual(client.asked, [
    ['notes:read', { page: 2 }, 'notes/1'],
    ['todos:patch', { title: 'bread', id: 7 }, '/todos/7'],
    ['todos:read', {}, '/todos']
  ]);
  assert.deepEqual(attrs, { title: 'bread' });
});

test('an error is an error, whatever it is, and is not reported as unhandled', async () => {
  const lost = new Error('lost');

  for (const [answer, error] of [['no', 'no'], [{ code: 5 }, { code: 5 }], [lost, lost], [['a', 'b'], ['a', 'b']]]) {
    const { Backbone, todo } = make(answer);
    const got = [];

    Backbone.sync('read', todo, { success: assert.fail, error: (why) => got.push(why) });
    await settled();
    assert.deepEqual(got, [error]);
  }
});

test('an acknowledgement without attributes is a success', async () => {
  for (const answer of [undefined, null, [null, undefined]]) {
    const { Backbone, todo } = make(answer);
    const got = [];

    await Backbone.sync('delete', todo, { success: (value) => got.push(value), error: assert.fail });
    assert.deepEqual(got, [undefined]);
  }
});

test('a callback that throws reaches the console, and is no failure of the request', async () => {
  const { Backbone, client, todo } = make([null, 1]);

  await Backbone.sync('read', todo, { success: () => { throw new Error('mine'); }, error: assert.fail });
  assert.deepEqual(client.errors.map(({ message }) => message), ['mine']);
});

test('a model may keep to ajax, have a client of its own or that of its collection', async () => {
  const { Backbone, client, todo } = make([null, 1]);
  const own = makeClient([null, 1]);
  const other = new Backbone.Model({ id: 8 });

  assert.equal(Backbone.sync('read', { ajaxSync: true }, {}), 'ajax');
  todo.socket = own;
  other.collection = { socket: own };
  await Backbone.sync('read', todo, {});
  await Backbone.sync('read', other, {});
  assert.deepEqual([client.asked.length, own.asked.length], [0, 2]);
});

test('what cannot be asked throws', () => {
  const { Backbone, client, todo } = make();

  assert.throws(() => Backbone.sync('read', new Backbone.Model().constructor.prototype, { url: () => '' }), /"url"/);
  client.ask = undefined;
  assert.throws(() => Backbone.sync('read', todo, {}), /emitter/);
  client.receive('destroy');
  assert.throws(() => Backbone.sync('read', todo, {}), /no client/);
});

test('a model hears events of the server once for each that is bound', () => {
  const { client, todo } = make();
  const heard = [];
  const hear = (name) => function listener(...args) { heard.push([name, this === todo, ...args]); };

  todo.ioBind('update', hear('first')).ioBind('update', hear('second'));
  client.receive('/todos/7:update', { title: 'bread' }, 2);
  assert.deepEqual(heard, [
    ['first', true, { title: 'bread' }, 2], ['second', true, { title: 'bread' }, 2]
  ]);
  assert.equal(client.count('/todos/7:update'), 1);
});

test('a binding has its own context, client and url', () => {
  const { Backbone, client } = make();
  const todos = new Backbone.Collection();
  const own = makeClient();
  const context = {};
  const heard = [];

  todos.ioBind('create', own, function listener(value) { heard.push([this === context, value]); }, context);
  own.receive('/todos:create', 1);
  client.receive('/todos:create', 2);
  assert.deepEqual(heard, [[true, 1]]);
});

test('one callback, an event, a client or all are unbound, and nothing of others', () => {
  const { client, todo } = make();
  const own = makeClient();
  const heard = [];
  const listeners = ['a', 'b', 'c'].map((name) => () => heard.push(name));
  const events = () => {
    heard.length = 0;
    client.receive('/todos/7:update');
    own.receive('/todos/7:update');
    client.receive('/todos/7:delete');
    return heard.join('');
  };

  todo.on('update', () => heard.push('.'), todo);
  todo.ioBind('update', listeners[0]).ioBind('update', listeners[1]).ioBind('delete', listeners[2]);
  todo.ioUnbind('update', listeners[0]);
  assert.equal(events(), '.bc');
  todo.ioBind('update', own, listeners[0]);
  todo.ioUnbind('update', own);
  assert.equal(events(), '.bc');
  todo.ioUnbind('update');
  assert.equal(events(), 'c');
  todo.ioBind('update', own, listeners[0]);
  todo.ioUnbindAll(client);
  assert.equal(events(), '.a');
  todo.ioUnbindAll();
  assert.equal(events(), '');
  assert.equal(client.count('/todos/7:update') + own.count('/todos/7:update'), 0);
  assert.equal(todo.heard.length, 1);
});

test('a second client leaves Backbone as it is', () => {
  const { Backbone, client } = make();
  const { sync, ajaxSync } = Backbone;

  plugin(makeClient());
  assert.deepEqual([Backbone.sync, Backbone.ajaxSync, Backbone.socket], [sync, ajaxSync, client]);
});

test('a Backbone that is imported is told', () => {
  const client = makeClient();
  const Backbone = makeBackbone();

  plugin(client);
  assert.equal(client.backbone(Backbone), Backbone);
  assert.equal(Backbone.socket, client);
});
