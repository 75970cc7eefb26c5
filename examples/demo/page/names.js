// Names and tokens for newcomers, and the colour that goes with a name.

const KINDS = ['Brisk', 'Calm', 'Clever', 'Gentle', 'Jolly', 'Lucky', 'Quiet', 'Swift', 'Wise', 'Witty'];
const ANIMALS = ['Badger', 'Crane', 'Fox', 'Heron', 'Ibex', 'Lynx', 'Otter', 'Owl', 'Tapir', 'Wren'];

const pick = (list) => list[Math.floor(Math.random() * list.length)];

export const newName = () => `${pick(KINDS)} ${pick(ANIMALS)}`;

export const newToken = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(12));

  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
};

/** A hue, from 0 to 360, that is always the same for a name. */
export function hueOf(name) {
  let hash = 7;

  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 9973;
  return (hash * 47) % 360;
}

/** One or two letters for a name. */
export function initials(name) {
  return name.split(' ').slice(0, 2).map((word) => Array.from(word)[0] || '').join('').toUpperCase();
}
