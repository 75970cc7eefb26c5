// The chat. What others wrote only ever becomes text: `textContent`, never markup.
import { hueOf, initials, newToken } from './names.js';

const element = (id) => document.getElementById(id);
const SHOWN = 300;
const TYPING = 3000;
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

function make(tag, className, text) {
  const made = document.createElement(tag);

  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export class Chat {
  constructor(primus, name, renamed) {
    this.primus = primus;
    this.renamed = renamed;
    this.me = null;
    this.epoch = null;
    this.last = 0;
    // What was written here and has not come back from the server yet, by key.
    this.queued = new Map();
    this.names = new Map();
    this.typing = new Map();
    this._told = 0;
    this._name(name);
    this._empty();
    element('say').addEventListener('submit', (event) => this._submit(event));
    element('text').addEventListener('input', () => this._types());
    element('name').addEventListener('change', () => this._rename());
    element('name').addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      element('text').focus();
    });
  }

  received(message) {
    if (message.type === 'welcome') this._welcome(message);
    else if (message.type === 'note') this._note(message.note);
    else if (message.type === 'people') this._people(message);
    else if (message.type === 'typing') this._typing(message.id);
  }

  _welcome({ you, name, epoch, notes }) {
    // The notes of another process start at 1 again.
    if (this.epoch !== null && this.epoch !== epoch) this.last = 0;
    this.epoch = epoch;
    this.me = you;
    this._name(name);
    for (const note of notes) this._note(note);
  }

  _note(note) {
    if (note.number <= this.last) return;
    this.last = note.number;
    if (note.kind === 'said') {
      this._said(note);
      this._stops(note.id);
    } else {
      const line = make('li', `event ${note.kind}`, sentence(note, note.id === this.me));

      line.dir = 'auto';
      this._append(line);
    }
  }

  _said(note) {
    const own = this.queued.get(note.key);

    if (own) {
      this.queued.delete(note.key);
      own.classList.remove('queued');
      own.querySelector('time').textContent = clock.format(note.at);
      this._append(own);
    } else {
      this._append(this._line(note, note.id === this.me));
    }
  }

  _line({ id, name, text, at }, mine) {
    const line = make('li', mine ? 'said mine' : 'said');
    const author = make('span', 'author', name);
    const paragraph = make('p');

    const open = this.primus.readyState === this.primus.constructor.OPEN;
    const words = make('span', '', text);
    const when = at || (open && Date.now());

    words.dir = 'auto';
    paragraph.append(words, make('time', '', when ? clock.format(when) : 'kept'));
    line.dataset.by = mine ? 'me' : id;
    line.style.setProperty('--hue', hueOf(name));
    line.append(author, paragraph);
    return line;
  }

  _append(line) {
    const log = element('log');
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;

    log.querySelector('.empty')?.remove();
    line.remove();
    // What still waits to be sent stays below everything else.
    const queued = line.classList.contains('queued') ? null : log.querySelector('.queued');
    log.insertBefore(line, queued);
    const before = line.previousElementSibling;

    line.classList.toggle('more', Boolean(before) && before.dataset.by !== undefined
      && before.dataset.by === line.dataset.by);
    while (log.children.length > SHOWN) log.firstElementChild.remove();
    if (atEnd || line.dataset.by === 'me') log.scrollTop = log.scrollHeight;
  }

  _empty() {
    element('log').append(make('li', 'empty', 'Nothing has been said yet.'));
  }

  _submit(event) {
    event.preventDefault();
    const input = element('text');
    const text = input.value.trim();

    if (!text) return;
    input.value = '';
    this._told = 0;
    const key = newToken();
    const line = this._line({ id: this.me, name: element('name').value, text }, true);

    line.classList.add('queued');
    this.queued.set(key, line);
    this._append(line);
    this.primus.write({ type: 'say', text, key });
  }

  _rename() {
    const name = element('name').value.trim();

    if (!name) return this._name(this.name);
    this._name(name);
    return this.primus.write({ type: 'rename', name });
  }

  _name(name) {
    this.name = name;
    element('name').value = name;
    element('name').style.setProperty('--hue', hueOf(name));
    this.renamed(name);
  }

  _people({ count, people }) {
    const list = element('people');

    this.names = new Map(people.map(({ id, name }) => [id, name]));
    element('count').textContent = count;
    people.sort((one, other) => one.name.localeCompare(other.name));
    list.replaceChildren(...people.map(({ id, name }) => {
      const person = make('li');
      const label = make('span', '', name);

      label.dir = 'auto';
      person.style.setProperty('--hue', hueOf(name));
      person.append(make('i', '', initials(name)), label);
      person.firstElementChild.setAttribute('aria-hidden', 'true');
      if (id === this.me) person.append(make('em', '', 'you'));
      return person;
    }));
    for (const id of this.typing.keys()) if (!this.names.has(id)) this._stops(id);
    if (count > people.length) list.append(make('li', '', `and ${count - people.length} more`));
  }

  /** Tells the others that something is being written, but not with every key. */
  _types() {
    const now = performance.now();

    if (this.primus.readyState !== this.primus.constructor.OPEN) return;
    if (now - this._told < TYPING / 2) return;
    this._told = now;
    this.primus.write({ type: 'typing' });
  }

  _typing(id) {
    clearTimeout(this.typing.get(id));
    this.typing.set(id, setTimeout(() => this._stops(id), TYPING));
    this._tell();
  }

  _stops(id) {
    clearTimeout(this.typing.get(id));
    this.typing.delete(id);
    this._tell();
  }

  _tell() {
    const names = Array.from(this.typing.keys(), (id) => this.names.get(id)).filter(Boolean);
    const line = names.length === 1 ? `${names[0]} is typing…` : `${names.length} people are typing…`;

    element('typing').textContent = names.length ? line : '';
  }
}

function sentence({ kind, name, before, seconds }, mine) {
  const member = mine ? 'You' : name;

  switch (kind) {
    case 'joined': return `${member} joined`;
    case 'left': return `${member} left`;
    case 'renamed': return mine ? `You are now ${name}` : `${before} is now ${name}`;
    case 'dropped': return `${member} dropped the server for ${seconds} s`;
    default: return '';
  }
}
