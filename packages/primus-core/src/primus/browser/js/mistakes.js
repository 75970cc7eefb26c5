import { DEVELOPING } from './developing.js';

/**
 * Mistakes in the options of a client. They are warnings: code for Primus of Node passes options of
 * its own along, and what is wrong here may be right there.
 */
const isDurationLike = (value) => (typeof value === 'number' ? value >= 0 : typeof value === 'string');
const isObjectLike = (value) => typeof value === 'object';
const isFlagLike = (value) => typeof value === 'boolean' || typeof value === 'number';
const DURATION_OPTION = [
  isDurationLike, DEVELOPING && 'milliseconds, text such as "30 seconds", or false'
];
const OBJECT_OPTION = [isObjectLike, DEVELOPING && 'an object'];
const FLAG_OPTION = [isFlagLike, DEVELOPING && 'true or false'];

const KNOWN_OPTIONS = {
  manual: FLAG_OPTION,
  network: [() => true],
  ping: DURATION_OPTION,
  pingTimeout: DURATION_OPTION,
  pong: DURATION_OPTION,
  queueSize: [(value) => typeof value === 'number' && value >= 0, DEVELOPING && 'a number'],
  reconnect: OBJECT_OPTION,
  strategy: [
    (value) => typeof value === 'string' || Array.isArray(value),
    DEVELOPING && 'text, a list or false'
  ],
  timeout: DURATION_OPTION,
  transport: OBJECT_OPTION,
  uri: [() => true],
  url: [() => true],
  websockets: FLAG_OPTION
};
const RECONNECT_OPTIONS = {
  factor: [(value) => value >= 1, DEVELOPING && 'a number from 1'],
  max: DURATION_OPTION,
  min: DURATION_OPTION,
  'reconnect timeout': DURATION_OPTION,
  retries: [(value) => value >= 0, DEVELOPING && 'a number'],
  timeout: DURATION_OPTION
};

/** How many letters have to be changed, added or left out to make one word of the other. */
function editDistance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);

  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];

    for (let j = 1; j <= other.length; j += 1) {
      const change = row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1);

      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[other.length];
}

/** The name that another one is likely to be a misspelling of. */
function nearestName(name, names) {
  const word = name.toLowerCase().replace(/[^a-z]/g, '');
  const ranked = names
    .map((each) => [editDistance(word, each.toLowerCase().replace(/[^a-z]/g, '')), each])
    .sort((a, b) => a[0] - b[0]);

  return ranked.length && ranked[0][0] <= Math.max(1, word.length / 3) ? ranked[0][1] : null;
}

function optionMistakes(given, known, others, where) {
  const mistakes = [];

  for (const name of Object.keys(given)) {
    const value = given[name];

    if (others.indexOf(name) >= 0 || value === undefined) continue;
    if (!Object.prototype.hasOwnProperty.call(known, name)) {
      const close = DEVELOPING && nearestName(name, Object.keys(known));

      mistakes.push(`unknown option "${where}${name}"${close ? `. Did you mean "${close}"?` : ''}`);
    } else if (value !== null && value !== false && !known[name][0](value)) {
      mistakes.push(DEVELOPING ?
        `option "${where}${name}" must be ${known[name][1]}` :
        `wrong value of option "${where}${name}"`);
    }
  }
  return mistakes;
}

/**
 * What is likely to be wrong with the options of a client, each as one sentence.
 *
 * @param {object} given What the user passed.
 * @param {string[]} plugins The names of the plugins, which have options of the same name, and of
 *   their other options.
 */
export function mistakes(given, plugins) {
  const camel = plugins.map((name) => name.replace(/\W+(\w)/g, (_, letter) => letter.toUpperCase()));
  const { reconnect } = given;
  const inner = reconnect && typeof reconnect === 'object' ? optionMistakes(reconnect, RECONNECT_OPTIONS, [], 'reconnect.') : [];

  return [...optionMistakes(given, KNOWN_OPTIONS, [...plugins, ...camel], ''), ...inner];
}
