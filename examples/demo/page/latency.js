// The time of a message to the server and back, once a second, as a figure and a curve.

const element = (id) => document.getElementById(id);
const SAMPLES = 60;
const EVERY = 1000;
const WIDTH = 240;
const HEIGHT = 56;

export class Latency {
  constructor(primus, arrived) {
    this.primus = primus;
    this.arrived = arrived;
    // Newest last; `null` where there was no connection.
    this.samples = [];
    setInterval(() => this._measure(), EVERY);
  }

  received(message) {
    if (message.type !== 'pong') return;
    this._add(performance.now() - message.at);
    this.arrived();
  }

  _measure() {
    if (document.hidden) return;
    if (this.primus.readyState === this.primus.constructor.OPEN) {
      this.primus.write({ type: 'ping', at: performance.now() });
    } else {
      this._add(null);
    }
  }

  _add(sample) {
    this.samples.push(sample);
    if (this.samples.length > SAMPLES) this.samples.shift();
    element('latency').textContent = sample === null ? '–' : text(sample);
    const known = this.samples.filter((each) => each !== null).sort((a, b) => a - b);

    if (!known.length) return;
    const median = known[known.length >> 1];
    const worst = known[known.length - 1];

    element('summary').textContent = `Median ${text(median)}, worst ${text(worst)} this minute`;
    // A single slow one may leave the picture, rather than flatten all others.
    this._draw(Math.max(2, Math.min(worst, 4 * median)) * 1.1);
  }

  _draw(top) {
    const start = WIDTH - ((this.samples.length - 1) * WIDTH) / (SAMPLES - 1);
    const points = this.samples.map((sample, index) => sample !== null && [
      (start + (index * WIDTH) / (SAMPLES - 1)).toFixed(1),
      (HEIGHT - 1 - Math.min(1, sample / top) * (HEIGHT - 3)).toFixed(1)
    ]);
    let curve = '';
    let area = '';

    for (const run of runs(points)) {
      const path = run.map((point) => point.join(' ')).join('L');

      // A lone point is drawn by its round line end.
      curve += `M${path}${run.length === 1 ? 'h0.01' : ''}`;
      area += `M${run[0][0]} ${HEIGHT}L${path}L${run[run.length - 1][0]} ${HEIGHT}Z`;
    }
    const spark = element('spark');

    spark.querySelector('.curve').setAttribute('d', curve);
    spark.querySelector('.area').setAttribute('d', area);
  }
}

const text = (ms) => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0));

/** The stretches of `points` that are not interrupted. */
function runs(points) {
  const found = [];
  let run = null;

  for (const point of points) {
    if (!point) run = null;
    else if (run) run.push(point);
    else found.push(run = [point]);
  }
  return found;
}
