declare namespace Primus {
  /** The rooms that the server tells of. */
  export interface Presence {
    /** Their names. */
    rooms(): string[];
    /** The users in a room, and what is told of each; `null` when there is only a count. */
    members(room: string): Map<string, any> | null;
    /** How many users there are in a room. */
    count(room: string): number;
  }

  export interface Events {
    /** The users in a room. */
    'presence state': (room: string, members: Map<string, any>) => void;
    /** A user has come. */
    'presence join': (room: string, user: string, info: any) => void;
    /** Something else is told of a user. */
    'presence update': (room: string, user: string, info: any) => void;
    /** A user has left. */
    'presence leave': (room: string, user: string) => void;
    /** How many there are in a room with too many users to be listed. */
    'presence count': (room: string, count: number) => void;
    /** The server tells of a room no longer. */
    'presence end': (room: string) => void;
  }
}

interface Primus {
  /** The users in rooms. */
  readonly presence: Primus.Presence;
}
