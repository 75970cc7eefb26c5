declare namespace Primus {
  /** What became of what a client has missed. */
  export interface Recovered {
    /** Whether all that its rooms with history got has come, in order. */
    rooms: boolean;
    /** Whether all that was written to it, and all that it wrote, has arrived. */
    session: boolean;
    /** How many messages have come late. */
    missed: number;
  }

  export interface Events {
    /** After a reconnect. */
    recovered: (recovered: Recovered) => void;
    /** Messages to the rooms of the client are missing. */
    gap: () => void;
  }
}

interface Primus {
  /** What became of what was missed at the last reconnect; `null` before the first. */
  readonly recovered: Primus.Recovered | null;
}
