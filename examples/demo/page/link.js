// The connection as a person sees it: the wire, the state in words, the countdown, the buttons.

const element = (id) => document.getElementById(id);
const still = matchMedia('(prefers-reduced-motion: reduce)');

export class Link {
  constructor(primus) {
    this.primus = primus;
    this.outage = 6;
    this._broken = 0;
    this._due = 0;
    this._tick = this._tick.bind(this);
    this._listen();
    element('drop').addEventListener('click', () => primus.write({ type: 'drop' }));
    element('retry').addEventListener('click', () => this._retry());
  }

  /** Sends a dot along the wire and back: a message has made the round trip. */
  travel() {
    if (still.matches || document.hidden) return;
    const frames = [
      { left: '0%', opacity: 0 },
      { left: '4%', opacity: 1, offset: 0.04 },
      { left: '100%', opacity: 1, offset: 0.5 },
      { left: '4%', opacity: 1, offset: 0.96 },
      { left: '0%', opacity: 0 }
    ];

    element('pulse').animate(frames, { duration: 760, easing: 'ease-in-out' });
  }

  /** The server will not be dropped again so soon. */
  refused(wait) {
    this._detail(`The server has just been away. Give it ${Math.ceil(wait)} more seconds.`);
  }

  _listen() {
    const { primus } = this;

    primus.on('open', () => {
      if (!this._broken) return this._show('open', 'Connected', 'Messages travel both ways, as they happen.');
      const away = ((performance.now() - this._broken) / 1000).toFixed(1);

      this._broken = 0;
      return this._show('open', 'Connected', `Back after ${away} s, by itself. What you wrote meanwhile has been sent.`);
    });
    primus.on('close', () => this._breaks());
    primus.on('reconnect scheduled', (opts) => {
      this._breaks();
      this._due = performance.now() + opts.scheduled;
      this._wait = opts.scheduled;
      this._show('waiting', 'Reconnecting', `Attempt ${opts.attempt} of ${opts.retries}. What you write now is kept, and sent later.`);
      this._tick();
    });
    primus.on('reconnect', (opts) => {
      this._show('trying', 'Reconnecting', `Attempt ${opts.attempt} of ${opts.retries} is under way.`);
    });
    primus.on('end', () => {
      this._breaks();
      if (primus.online) this._show('ended', 'Disconnected', 'The connection was ended on purpose.');
      else this._show('offline', 'Offline', 'No network. The page reconnects as soon as there is one.');
    });
    primus.on('reconnect failed', (error, opts) => {
      this._show('failed', 'Gave up', `The server did not answer ${opts.retries} times.`);
    });
  }

  _breaks() {
    if (!this._broken) this._broken = performance.now();
  }

  _show(state, title, detail) {
    document.body.dataset.state = state;
    document.title = state === 'open' ? 'Primus demo' : `${title} · Primus demo`;
    element('state').textContent = title;
    this._offer(state);
    if (state !== 'waiting') {
      element('due').textContent = '';
      element('seconds').textContent = { offline: '✕', failed: '✕', ended: '✕' }[state] || '';
      element('arc').style.strokeDashoffset = '';
    }
    this._detail(detail);
  }

  /** Shows the one button that makes sense; the focus stays there for users of the keyboard. */
  _offer(state) {
    const retry = element('retry');
    const drop = element('drop');
    const held = [retry, drop].includes(document.activeElement);

    retry.hidden = state === 'open';
    retry.disabled = !['waiting', 'failed', 'ended'].includes(state);
    drop.hidden = state !== 'open';
    if (held && !retry.disabled) retry.focus();
    if (held && !drop.hidden) drop.focus();
  }

  _detail(text) {
    element('detail').textContent = text;
  }

  /** Counts down to the next attempt, until the state is another one. */
  _tick() {
    const left = this._due - performance.now();

    if (document.body.dataset.state !== 'waiting' || left < 0) return;
    const seconds = (left / 1000).toFixed(1);

    element('seconds').textContent = seconds;
    element('due').textContent = `in ${seconds} s`;
    element('arc').style.strokeDashoffset = String(100 - (100 * left) / this._wait);
    requestAnimationFrame(this._tick);
  }

  _retry() {
    this.primus.end();
    this._show('connecting', 'Connecting', 'As you wish.');
    this.primus.open();
  }
}
