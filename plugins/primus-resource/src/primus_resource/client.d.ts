interface Primus {
  /** An object of the server whose methods can be called, the same one each time until its channel ends. */
  resource(name: string, multiplex?: boolean): Primus.Resource;
}

declare namespace Primus {
  export interface Resource {
    readonly name: string;
    /** The names of its methods, once it is ready. */
    readonly methods: string[];
    /** A promise of the names of its methods. */
    ready(): Promise<string[]>;
    /** Calls a method by its name. */
    call(method: string, ...args: any[]): any;
    on(event: 'ready', fn: (name: string, methods: string[]) => void): this;
    on(event: string, fn: (...args: any[]) => void): this;
    once(event: string, fn: (...args: any[]) => void): this;
    off(event: string, fn?: (...args: any[]) => void): this;
    /** A method: a promise of the answer, or a last argument that is called with it. */
    [method: string]: any;
  }

  export interface Options {
    /** How many names are kept of what a server announces. */
    resource?: { names?: number };
  }
}
