/**
 * Whether this is the readable client, which developers use: there, a mistake is told with its cure.
 * Minifying makes it `false`, and leaves out what depends on it.
 */
export const DEVELOPING = true;
