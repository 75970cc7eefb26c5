/*! Primus $version$, browser client, MIT licence. Made by the server: do not edit. */
const Primus = (function (root, host) {
let define, module, exports, require;
$body$
})(typeof globalThis === 'object' ? globalThis : self, {
  load: typeof process === 'object' && ((name) => import(/* webpackIgnore: true */ /* @vite-ignore */ name))
});

Primus.default = Primus.Primus = Primus;
export default Primus;
export { Primus };
export const EventEmitter = Primus.EventEmitter;
export const connect = Primus.connect;
