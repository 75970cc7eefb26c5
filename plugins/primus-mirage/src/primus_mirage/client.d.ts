interface Primus {
  /** The session id, as the server has announced it; empty until then. */
  readonly mirage: string;
}

declare namespace Primus {
  export interface Options {
    /** The session id of an earlier connection, to use it again. */
    mirage?: string;
  }

  export interface Events {
    /** The server has given this client an id, or another one. */
    mirage: (id: string) => void;
  }
}
