/**
 * A queue on an array: `push` and `shift` cost the same for any length, where the `shift` of a
 * long array moves everything that is left.
 */
export class Queue {
  constructor(items) {
    this._items = items || [];
    this._head = 0;
  }

  get length() {
    return this._items.length - this._head;
  }

  /** What waits, oldest first, as an array that may be changed. */
  get items() {
    this._trim();
    return this._items;
  }

  push(item) {
    this._items.push(item);
  }

  /** Takes out the oldest item; there must be one. */
  shift() {
    const item = this._items[this._head];

    this._items[this._head] = undefined;
    this._head += 1;
    // Moves at most as many items as have been taken since the last time.
    if (this._head * 2 >= this._items.length) this._trim();
    return item;
  }

  _trim() {
    if (this._head) this._items.splice(0, this._head);
    this._head = 0;
  }
}
