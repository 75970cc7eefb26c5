// The page: one Primus connection, and what it drives. The global `Primus` comes from the server.
import { Chat } from './chat.js';
import { Latency } from './latency.js';
import { Link } from './link.js';
import { newName, newToken } from './names.js';

const remembered = {
  name: sessionStorage.getItem('name') || newName(),
  tab: sessionStorage.getItem('tab') || newToken()
};
const remember = () => Object.entries(remembered).forEach(([key, value]) => {
  sessionStorage.setItem(key, value);
});
remember();

const primus = new Primus({ reconnect: { min: 1000, max: 5000, factor: 1.6, retries: 20 } });
const link = new Link(primus);
const latency = new Latency(primus, () => link.travel());
const chat = new Chat(primus, remembered.name, (name) => {
  remembered.name = name;
  remember();
});

// The name goes with the handshake, so that what was written while offline, and is sent as soon
// as there is a connection, is said by the right person.
primus.on('outgoing::url', (url) => {
  url.query += '&' + primus.querystringify(remembered);
});

primus.on('data', (message) => {
  if (message.type === 'welcome') link.outage = message.outage;
  if (message.type === 'refused') link.refused(message.wait);
  latency.received(message);
  chat.received(message);
});

const facts = ['transformer', 'parser', 'version'];

primus.on('open', async () => {
  const response = await fetch(primus.pathname + '/spec');
  const spec = await response.json();

  for (const fact of facts) document.getElementById(fact).textContent = spec[fact];
});

// For use in the console.
window.primus = primus;
