/**
 * The users in rooms, as the server tells of them: `primus.presence`, and the events
 * `presence state(room, members)`, `presence join(room, user, info)`,
 * `presence update(room, user, info)`, `presence leave(room, user)`, `presence count(room, count)`
 * and `presence end(room)`. It is sockets.py of the same plugin.
 */
const FIELD = '_presence';
const ROOMS = 1000;
// How long after a reconnect the server may take to tell again of the rooms that it still tells of.
const PATIENCE = 5000;
const KINDS = ['state', 'join', 'update', 'leave', 'count', 'end'];

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

export default function presence(primus) {
  const rosters = new Map();
  const counts = new Map();
  // The rooms that the server of an earlier connection has told of, and this one has not.
  const old = new Set();

  primus.presence = {
    rooms: () => [...counts.keys()],
    members(room) {
      const members = rosters.get(room);

      return members ? new Map(members) : null;
    },
    count: (room) => counts.get(room) || 0
  };
  for (const kind of KINDS) primus.reserved.events[`presence ${kind}`] = 1;

  const tell = (kind, ...args) => {
    try {
      primus.dispatch(`presence ${kind}`, ...args);
    } catch (error) {
      primus.clock.setTimeout(() => { throw error; }, 0);
    }
  };

  primus.on('outgoing::url', (address) => {
    const fields = primus.querystring(address.query || '');

    fields[FIELD] = '1';
    address.query = primus.querystringify(fields);
  });

  function end(room) {
    old.delete(room);
    rosters.delete(room);
    if (counts.delete(room)) tell('end', room);
  }

  primus.on('open', () => {
    for (const room of counts.keys()) old.add(room);
    if (old.size) primus.timers.expect('presence', () => [...old].sort().forEach(end), PATIENCE);
  });
  primus.on('close', () => primus.timers.clear('presence'));

  function takeNews(room, members, { join, update, leave }) {
    for (const user of Array.isArray(leave) ? leave : []) {
      if (members.delete(user)) tell('leave', room, user);
    }
    for (const [kind, users] of [['join', join], ['update', update]]) {
      for (const [user, info] of isObject(users) ? Object.entries(users) : []) {
        if (members.has(user) !== (kind === 'update')) continue;
        members.set(user, info);
        tell(kind, room, user, info);
      }
    }
  }

  primus.onControl('presence', (value) => {
    let told;

    try {
      told = JSON.parse(value);
    } catch (_error) {
      return;
    }
    if (!isObject(told) || typeof told.room !== 'string') return;
    const { room, count, state } = told;

    if (told.end === true) {
      end(room);
      return;
    }
    if (!Number.isInteger(count) || count < 0) return;
    if (!counts.has(room) && counts.size >= ROOMS) return;
    counts.set(room, count);
    old.delete(room);
    if (isObject(state)) {
      rosters.set(room, new Map(Object.entries(state)));
      tell('state', room, new Map(Object.entries(state)));
    } else if (!('join' in told || 'update' in told || 'leave' in told)) {
      rosters.delete(room);
      tell('count', room, count);
    } else if (rosters.has(room)) takeNews(room, rosters.get(room), told);
  });
}
