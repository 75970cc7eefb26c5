import { DEVELOPING } from './developing.js';

/**
 * Mistakes in the options of a client. They are warnings: code for Primus of Node passes options of
 * its own along, and what is wrong here may be right there.
 */
const isAnything = () => true;
const isDuration = (value) => (typeof value === 'number' ? value >= 0 : typeof value === 'string');
const isFactor = (value) => value >= 1;
const isFlag = (value) => typeof value === 'boolean' || typeof value === 'number';
const isObject = (value) => typeof value === 'object';
const isRetries = (value) => value >= 0;
const isSize = (value) => typeof value === 'number' && value >= 0;
const isStrategy = (value) => typeof value === 'string' || Array.isArray(value);

const KNOWN_OPTIONS = {
  manual: isFlag,
  network: isAnything,
  ping: isDuration,
  pingTimeout: isDuration,
  pong: isDuration,
  queueSize: isSize,
  reconnect: isObject,
  strategy: isStrategy,
  timeout: isDuration,
  transport: isObject,
  uri: isAnything,
  url: isAnything,
  websockets: isFlag
};
const RECONNECT_OPTIONS = {
  factor: isFactor,
  max: isDuration,
  min: isDuration,
  'reconnect timeout': isDuration,
  retries: isRetries,
  timeout: isDuration
};
const WANTED = [
  [isDuration, 'milliseconds, text such as "30 seconds", or false'],
  [isFactor, 'a number from 1'],
  [isFlag, 'true or false'],
  [isObject, 'an object'],
  [isRetries, 'a number'],
  [isSize, 'a number'],
  [isStrategy, 'text, a list or false']
];

/** What an option must be, in words. */
function wanted(check) {
  return WANTED.find(([each]) => each === check)[1];
}

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

/** A question after the name that another one is likely to be a misspelling of; empty when none is. */
function suggestion(name, names) {
  const word = name.toLowerCase().replace(/[^a-z]/g, '');
  const ranked = names
    .map((each) => [editDistance(word, each.toLowerCase().replace(/[^a-z]/g, '')), each])
    .sort((a, b) => a[0] - b[0]);

  const isNear = ranked[0][0] <= Math.max(1, word.length / 3);

  return isNear ? `. Did you mean "${ranked[0][1]}"?` : '';
}

function optionMistakes(given, known, others, where) {
  const mistakes = [];

  for (const name of Object.keys(given)) {
    const value = given[name];

    if (others.indexOf(name) >= 0 || value === undefined) continue;
    if (!Object.prototype.hasOwnProperty.call(known, name)) {
      const cure = DEVELOPING ? suggestion(name, Object.keys(known)) : '';

      mistakes.push(`unknown option "${where}${name}"${cure}`);
    } else if (value !== null && value !== false && !known[name](value)) {
      mistakes.push(DEVELOPING ?
        `option "${where}${name}" must be ${wanted(known[name])}` :
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
