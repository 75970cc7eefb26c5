import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import vm from 'node:vm';

const folder = mkdtempSync(join(tmpdir(), 'primus-browser-'));
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

after(() => rmSync(folder, { recursive: true }));
const minified = process.env.PRIMUS_CLIENT === 'minified';
const form = minified ? ['--min'] : [];

execFileSync(process.env.PYTHON || 'python', [here('./assemble.py'), folder, ...form], {
  env: { ...process.env, PYTHONPATH: here('../../src') }
});
writeFileSync(join(folder, 'package.json'), '{}');
mkdirSync(join(folder, 'node_modules', 'installed'), { recursive: true });
writeFileSync(join(folder, 'node_modules', 'installed', 'index.js'), 'module.exports = "found";');
writeFileSync(join(folder, 'node_modules', 'installed', 'broken.js'), 'throw new Error("broken");');

const umd = readFileSync(join(folder, 'primus.js'), 'utf8');
const require = createRequire(join(folder, 'main.js'));

function run(globals, file = 'primus.js') {
  const context = vm.createContext({ setTimeout, clearTimeout, ...globals });

  vm.runInContext(readFileSync(join(folder, file), 'utf8'), context);
  return context;
}

/** Talks over the loopback transformer that assemble.py compiles in. */
function echo(Primus) {
  return new Promise((resolve) => {
    const client = new Primus('http://localhost', { network: false });

    client.write({ hello: 'world' });
    client.on('data', (data) => {
      client.end();
      resolve(data);
    });
  });
}

test('a script sets the global and talks', async () => {
  const context = run({});

  assert.equal(context.Primus.prototype.version, '1.2.3');
  assert.equal(context.Primus.prototype.pathname, '/primus');
  assert.equal(context.Primus.default, context.Primus);
  assert.equal(JSON.stringify(await echo(context.Primus)), '{"hello":"world"}');
});

test('a script finds the page it was loaded by', () => {
  const { Primus } = run({ location: { protocol: 'https:', host: 'page', origin: 'https://page' } });

  assert.equal(new Primus({ manual: true }).url.href, 'https://page');
});

test('a script sets no other global', () => {
  const before = Object.keys(vm.createContext({ setTimeout, clearTimeout }));

  assert.deepEqual(Object.keys(run({})).sort(), [...before, 'Primus'].sort());
});

test('the global may be inside of another one', () => {
  const app = { kept: 1 };

  assert.equal(typeof run({ app }, 'nested.js').app.Primus, 'function');
  assert.equal(app.kept, 1);
  assert.equal(typeof run({}, 'nested.js').app.Primus, 'function');
});

test('AMD gets it by define, without a dependency', () => {
  let defined;
  const define = (factory) => { defined = factory(); };

  define.amd = {};
  const context = run({ define });
  assert.equal(defined, context.Primus);
});

test('CommonJS gets it by require, and no global', async () => {
  const Primus = require('./primus.js');

  assert.equal(globalThis.Primus, undefined);
  assert.deepEqual(await echo(Primus), { hello: 'world' });
  assert.equal(Primus.default, Primus);
});

test('an ES module gets it by import', async () => {
  const module = await import(pathToFileURL(join(folder, 'primus.mjs')));

  assert.deepEqual(await echo(module.default), { hello: 'world' });
  assert.equal(module.Primus, module.default);
  assert.equal(module.EventEmitter, module.default.EventEmitter);
  assert.equal(module.connect, module.default.connect);
});

test('import of the script gives the same as require', async () => {
  const module = await import(pathToFileURL(join(folder, 'primus.js')));

  assert.equal(module.default, require('./primus.js'));
});

test('a mistake in the options is told, with its cure by the readable client', () => {
  const said = [];
  const { Primus } = run({ console: { warn: (text) => said.push(text) } });

  assert.ok(new Primus('http://localhost', { manual: true, tiemout: 5, timeout: -1 }));
  assert.deepEqual(said, minified ? [
    'Primus: unknown option "tiemout"', 'Primus: wrong value of option "timeout"'
  ] : [
    'Primus: unknown option "tiemout". Did you mean "timeout"?',
    'Primus: option "timeout" must be milliseconds, text such as "30 seconds", or false'
  ]);
});

test('a message that the server would obey is refused, with the cure by the readable client', () => {
  const { Primus } = run({});
  const client = new Primus('http://localhost', { manual: true });
  const told = '"primus::id::" cannot be sent: peers obey text that begins with "primus::"';
  const cure = ' and do not show it. Send it within something, such as { text } or [text]';

  assert.throws(() => client.write('primus::id::'), { message: minified ? told : told + cure });
});

test('in Node modules are found beside the file, or where Node was started', async () => {
  const module = await import(pathToFileURL(join(folder, 'primus.mjs')));

  for (const Primus of [require('./primus.js'), module.default]) {
    assert.equal(Primus.requires('installed'), 'found');
    assert.equal(Primus.require('not-installed-at-all'), undefined);
    assert.throws(() => Primus.requires('installed/broken.js'), /broken/);
  }
  const elsewhere = { exports: {} };

  const cwd = process.cwd;

  process.cwd = () => folder;
  try {
    vm.runInThisContext(`(function (module, require) {${umd}\n})`)(
      elsewhere, createRequire('/nowhere/primus.js')
    );
  } finally {
    process.cwd = cwd;
  }
  assert.equal(elsewhere.exports.requires('installed'), 'found');
});

test('a browser has no modules to load', () => {
  assert.equal(run({}).Primus.requires('ws'), undefined);
});

test('plugins run on every client, after their library, which may set globals', () => {
  const context = run({}, 'plugins.js');
  const client = new context.Primus('http://localhost', { manual: true });

  assert.equal(context.libraryOfPlugin, 'set with Primus');
  assert.deepEqual(Array.from(client.greetings), ['hello from first', 'hello from __proto__']);
  assert.equal(typeof client.plugin('first'), 'function');
  assert.equal(client.plugin('only library'), undefined);
});

test('the library of a transformer exports to its client, and leaves no global', async () => {
  const context = run({}, 'plugins.js');

  assert.equal(context.loopback, undefined);
  assert.equal(JSON.stringify(await echo(context.Primus)), '{"hello":"world"}');
});
