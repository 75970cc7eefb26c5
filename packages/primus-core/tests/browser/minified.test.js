/**
 * The tests of the assembled client, on the minified one: made by `python tools/minifying.py`.
 */
process.env.PRIMUS_CLIENT = 'minified';
await import('./assembled.test.js');
