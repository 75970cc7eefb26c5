// Primus $version$, browser client. Made by the server: do not edit.

type Listeners = { [event: string]: (...args: any[]) => any };
type Listener<E, K> = K extends keyof E ? E[K] : (...args: any[]) => any;
type Arguments<E, K> = Listener<E, K> extends (...args: infer A) => any ? A : any[];

declare class Emitter<E = Listeners> {
  on<K extends keyof E | (string & {})>(event: K, fn: Listener<E, K>, context?: any): this;
  addListener<K extends keyof E | (string & {})>(
    event: K, fn: Listener<E, K>, context?: any
  ): this;
  once<K extends keyof E | (string & {})>(event: K, fn: Listener<E, K>, context?: any): this;
  off<K extends keyof E | (string & {})>(event: K, fn?: Listener<E, K>): this;
  removeListener<K extends keyof E | (string & {})>(event: K, fn?: Listener<E, K>): this;
  removeAllListeners(event?: keyof E | (string & {})): this;
  emit<K extends keyof E | (string & {})>(event: K, ...args: Arguments<E, K>): boolean;
  /** As `emit`, and always here: a plugin may have `emit` send the event to the server. */
  dispatch<K extends keyof E | (string & {})>(event: K, ...args: Arguments<E, K>): boolean;
  listeners(event: keyof E | (string & {})): Function[];
  listenerCount(event: keyof E | (string & {})): number;
  eventNames(): string[];
}

/** A connection to a Primus server. All durations are in milliseconds, or text: `'30 seconds'`. */
declare class Primus extends Emitter<Primus.Events> {
  /** @param url Where the server is, without a path; by default the origin of the page. */
  constructor(url?: string | null, options?: Primus.Options);
  constructor(options?: Primus.Options & { url?: string; uri?: string });

  /** Syntax sugar for `new Primus(url, options)`. */
  static connect(url?: string | null, options?: Primus.Options): Primus;
  static readonly OPENING: 1;
  static readonly CLOSED: 2;
  static readonly OPEN: 3;
  /** Loads a module in Node; `undefined` when there is none. */
  static requires(name: string): any;
  static require(name: string): any;

  readonly version: string;
  /** Where Primus lives on the server. */
  readonly pathname: string;
  /** Whether the server asks for authorization. */
  readonly authorization: boolean;
  readonly readyState: Primus.ReadyState;
  /** Why the connection has ended; `null` until it has, and while it is open. */
  readonly closed: Primus.Closed | null;
  /** Whether `destroy` has been called. */
  readonly destroyed: boolean;
  readonly writable: boolean;
  readonly readable: boolean;
  /** Whether the browser, or the heartbeat, believes in the network. */
  readonly online: boolean;
  /** Time a message takes to the server and back; 0 until it has been measured. */
  readonly latency: number;
  readonly url: Primus.Address;
  readonly options: Required<Omit<Primus.Options, 'websockets' | 'network' | 'manual'>>
    & Primus.Options & { strategy: string };
  readonly transport: Record<string, any>;
  /** What the transformer's library made, for example a `WebSocket`. */
  readonly socket: any;
  /** Messages that wait for the connection to open. */
  readonly buffer: any[];
  readonly recovery: Primus.Recovery;
  readonly timers: Primus.Timers;
  readonly ark: Record<string, Primus.Plugin>;
  readonly reserved: {
    (event: string): boolean;
    readonly events: Record<string, 1>;
  };

  /** Opens the connection, for the option `manual` or after `end`. */
  open(): this;
  /** Sends a message, or keeps it until the connection is open; `false` once it has ended. */
  write(data: any): boolean;
  /** Closes the connection for good, once everything written (and `data`) is on its way. */
  end(data?: any): this;
  /** Ends the connection and lets go of everything; `false` when that is done already. */
  destroy(): boolean;
  /** The server's id of this connection. Rejects when the connection ends before. */
  id(): Promise<string>;
  id(fn: (id: string) => void): this;
  /** A function that emits `event`; `parser` may change its arguments. */
  emits(event: string, parser?: Primus.EmitsParser): (...args: any[]) => boolean;
  emits(event: string, ...args: any[]): (...args: any[]) => boolean;
  /** Calls the listeners of `event` here; an incoming transform returns it, to swallow. */
  deliver(event: string, ...args: any[]): false;
  /** For plugins: takes their control text `primus::<name>::<value>`, in its place. */
  onControl(name: string, fn: (value: string) => void): this;
  /** For plugins: sends their control text, while the connection is open. */
  sendControl(name: string, value?: string): this;
  /** Adds a transform for incoming or outgoing messages. */
  transform(type: 'incoming' | 'outgoing', fn: Primus.Transform): this;
  /** The client half of a plugin, or all of them by name. */
  plugin(name: string): Primus.Plugin | undefined;
  plugin(): Record<string, Primus.Plugin>;
  /** Writes every message to `destination` and ends it with the connection. */
  pipe<T extends Primus.Destination>(destination: T, options?: { end?: boolean }): T;
  /** The URL of a connection, for transformers. */
  uri(options: { object: true; [part: string]: any }): Record<string, any>;
  uri(options?: Record<string, any>): string;
  merge<T extends object>(target: T, ...others: object[]): T;
  clone<T extends object>(object: T): T;
}

declare namespace Primus {
  export type ReadyState = 1 | 2 | 3;
  export type Duration = number | string;
  export type Plugin = (this: Primus, socket: Primus, options: Options) => void;

  export interface Options {
    /** Randomised exponential backoff. */
    reconnect?: ReconnectOptions;
    /** How long connecting may take. Default 10000; `false` for ever. */
    timeout?: Duration | false;
    /** How long the server may go without a ping. The default fits the server. */
    pingTimeout?: Duration | false;
    /** Ping a server of Primus 6 or older this often. Default `false`: never. */
    ping?: Duration | false;
    /** How long the answer to such a ping may take. Default 10000. */
    pong?: Duration;
    /** `'disconnect, online, timeout'` in any combination and case; `false` never reconnects. */
    strategy?: string | readonly string[] | false;
    /** Wait for `open()`. */
    manual?: boolean;
    /** `false` avoids WebSockets where the transformer has something else. */
    websockets?: boolean;
    /** Whether to believe the `online` and `offline` events of the browser. */
    network?: boolean;
    /** Options for the transformer's own library. */
    transport?: Record<string, any>;
    /** How many messages wait while not open; the oldest is dropped. Default `Infinity`. */
    queueSize?: number;
    /** Plugins may read options of their own. */
    [option: string]: any;
  }

  export interface ReconnectOptions {
    /** Longest delay before an attempt. Default `Infinity`. */
    max?: Duration;
    /** Shortest delay before an attempt. Default 500. */
    min?: Duration;
    /** Attempts before giving up. Default 10. */
    retries?: number;
    /** Growth of the delay. Default 2. */
    factor?: number;
    /** How long an attempt may take. Default 30000. */
    'reconnect timeout'?: Duration;
    timeout?: Duration;
  }

  /** The state of a reconnection, as its events carry it. */
  export interface Reconnection {
    /** Number of this attempt, from 1. */
    attempt: number;
    retries: number;
    /** Delay of this attempt. */
    scheduled: number;
    /** Since the first attempt was scheduled. */
    duration: number;
    start: number;
    min: number;
    max: number;
    factor: number;
    timeout: number;
    'reconnect timeout': number;
    backoff: boolean;
  }

  /** A refused handshake has `status`, `headers` and `body` where the platform tells them. */
  export interface ConnectionError extends Error {
    status?: number;
    headers?: Record<string, string | string[]>;
    body?: string;
    [detail: string]: any;
  }

  /** Why a connection has ended. */
  export interface Closed {
    readonly code: EndCode;
    /** The same in words, with what the server said of it. */
    readonly reason: string;
    readonly by: 'client' | 'server' | 'network';
    /** How long it was open; 0 when it never was. */
    readonly seconds: number;
    /** The status of the server's close frame, or of its refusal. */
    readonly status: number | null;
  }

  export type EndCode = 'client end' | 'server end' | 'shutdown' | 'heartbeat' | 'limit'
    | 'protocol error' | 'refused' | 'unreachable' | 'offline' | 'wire lost';

  export interface Events {
    open: () => void;
    data: (message: any, raw: any) => void;
    error: (error: ConnectionError) => void;
    reconnect: (opts: Reconnection) => void;
    'reconnect scheduled': (opts: Reconnection) => void;
    reconnected: (opts: Reconnection) => void;
    'reconnect timeout': (error: Error, opts: Reconnection) => void;
    'reconnect failed': (error: Error, opts: Reconnection) => void;
    timeout: () => void;
    offline: () => void;
    online: () => void;
    readyStateChange: (state: 'opening' | 'open' | 'end') => void;
    close: (closed: Closed) => void;
    end: (closed: Closed) => void;
    destroy: () => void;
  }

  /** What goes through the transforms: change `data`. */
  export interface Packet {
    data: any;
  }

  export type Next = (error?: Error | null, value?: any) => void;
  /** With one parameter, `false` (or a promise of it) swallows; with two, call `next`. */
  export type Transform = (this: Primus, packet: Packet, next: Next) => any;
  export type EmitsParser = (next: Next, ...args: any[]) => void;

  export interface Destination {
    write(data: any): any;
    end(): any;
  }

  export interface Address {
    protocol: string;
    auth: string;
    username: string;
    password: string;
    host: string;
    hostname: string;
    port: string;
    pathname: string;
    query: string;
    hash: string;
    href: string;
  }

  export interface Timers {
    readonly timers: Record<string, object>;
    setTimeout(name: string, fn: () => void, ms: Duration): this;
    active(name: string): boolean;
    clear(...names: string[]): this;
  }

  export interface RecoveryEvents {
    reconnect: (opts: Reconnection) => void;
    'reconnect scheduled': (opts: Reconnection) => void;
    reconnected: (opts: Reconnection) => void;
    'reconnect timeout': (error: Error, opts: Reconnection) => void;
    'reconnect failed': (error: Error, opts: Reconnection) => void;
  }

  export interface Recovery extends Emitter<RecoveryEvents> {
    readonly attempt: Reconnection | null;
    reconnect(): this;
    reconnecting(): boolean;
    reconnected(error?: Error): this;
    reset(): this;
  }

  export { Primus, Primus as default, Emitter as EventEmitter };
}

$exports$
