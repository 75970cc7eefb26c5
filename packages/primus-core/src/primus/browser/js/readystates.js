/** The ready states of Primus. */
export const OPENING = 1;
export const CLOSED = 2;
export const OPEN = 3;
