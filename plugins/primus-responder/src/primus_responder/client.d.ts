interface Primus {
  /** Sends a request; gives what the server responds. `timeout` is in milliseconds. */
  writeAndWait(data: any, options?: Primus.ResponderOptions): Promise<any>;
  /** The same with a callback, which is not called when there is no response. */
  writeAndWait(
    data: any, callback: (response: any) => void, options?: Primus.ResponderOptions
  ): this;
}

declare namespace Primus {
  export interface ResponderOptions {
    /** Milliseconds that a response may take; `false` for as long as the connection lasts. */
    timeout?: number | false;
  }

  export interface Options {
    responder?: ResponderOptions;
  }

  export interface Events {
    /** A request of the server: what a listener of one parameter returns is the response. */
    request: (data: any, done: (response?: any) => boolean) => any;
  }
}
