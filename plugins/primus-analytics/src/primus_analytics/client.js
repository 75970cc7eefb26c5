/**
 * The browser half: reports what happens to a client, and the names of the messages that it sends.
 *
 * Option `analytics`: `category`, `app`, `events` (a name to what it is reported as, or `false`) and
 * `sink`, a function that takes each report. Without a sink the page's `gtag` gets them, or its `ga`,
 * looked for each time, since a page may load them at any time.
 */
const has = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

/** What a message that is sent is called: its event, if it is one of emit or emitter. */
function nameOf(message) {
  if (!message || typeof message !== 'object') return 'write';
  let event = message.emit;

  if (!Array.isArray(event)) event = message.type === 0 ? message.data : null;
  return Array.isArray(event) && typeof event[0] === 'string' ? event[0] : 'write';
}

/** The parameters that GA4 has for a report. */
function tagged(report) {
  if (report.hitType === 'exception') {
    return ['exception', { description: report.exDescription, app_name: report.appName, fatal: true }];
  }
  return [report.eventAction, { event_category: report.eventCategory, non_interaction: true }];
}

/** Gives a report to Google Analytics, as far as the page has loaded it. */
function google(report) {
  const { gtag, ga } = globalThis;

  if (typeof gtag === 'function') gtag('event', ...tagged(report));
  else if (typeof ga !== 'function') return;
  else if (report.hitType === 'event') ga('send', report);
  else {
    const { hitType, ...fields } = report;

    ga('send', hitType, fields);
  }
}

export default function analytics(primus, options) {
  const settings = options.analytics || {};
  const sink = settings.sink || google;
  const events = settings.events || {};
  const category = settings.category || 'primus';
  const app = settings.app || 'primus';
  let reconnecting = false;

  if (typeof sink !== 'function') throw new TypeError('analytics: the sink must be a function');

  /** A sink that throws stops neither the client nor a message. */
  const report = (what) => {
    const failed = (error) => primus.clock.setTimeout(() => { throw error; }, 0);

    try {
      const taking = sink(what);

      if (taking && typeof taking.then === 'function') taking.then(null, failed);
    } catch (error) {
      failed(error);
    }
  };
  const tell = (name) => {
    const action = has(events, name) ? events[name] : name;

    if (action === false) return;
    report({
      eventAction: action || name, eventCategory: category, hitType: 'event', nonInteraction: 1
    });
  };

  primus.on('close', () => tell('close'));
  primus.on('online', () => tell('online'));
  primus.on('reconnected', () => tell('reconnected'));
  primus.on('reconnect failed', () => tell('reconnect-failed'));
  primus.on('open', () => {
    reconnecting = false;
    tell('open');
  });
  primus.on('reconnect scheduled', () => {
    if (!reconnecting) tell('reconnect-start');
    reconnecting = true;
  });
  primus.on('error', (error) => {
    if (has(events, 'error') && events.error === false) return;
    report({
      hitType: 'exception', exDescription: error && error.message, appName: app, exFatal: true
    });
  });
  primus.transform('outgoing', ({ data }) => { tell(nameOf(data)); });
}
