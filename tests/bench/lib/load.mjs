// Requests at a fixed rate, over connections that are kept: what each took from when it was due, so that a
// server which stands still is seen in all requests that it kept waiting.
import net from 'node:net';

/** p of a sorted list. */
export const quantile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0;

/**
 * Sends TEXT (a whole HTTP request) to PORT, RATE times a second for SECONDS, over CONNECTIONS.
 * { sent, took: [ms ...] sorted, statuses: Map, late: how many found no free connection when they were due }.
 */
export async function load({ port, text, rate, seconds, connections = 64, host = '127.0.0.1' }) {
  const result = { sent: 0, took: [], statuses: new Map(), late: 0 };
  const free = [], queue = [];
  const sockets = await Promise.all(Array.from({ length: connections }, () => new Promise((done, fail) => {
    const s = net.connect({ port, host, noDelay: true }, () => done(s));
    s.once('error', fail);
    let seen = '', need = -1;
    s.setEncoding('latin1').on('data', (d) => {
      seen += d;
      if (need < 0) {
        const end = seen.indexOf('\r\n\r\n');
        if (end < 0) return;
        need = end + 4 + Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0);
      }
      if (seen.length < need) return;
      const status = seen.slice(9, 12);
      result.statuses.set(status, (result.statuses.get(status) ?? 0) + 1);
      result.took.push(performance.now() - s.due);
      seen = seen.slice(need);
      need = -1;
      if (queue.length > 0) send(s, queue.shift()); else free.push(s);
    });
  })));
  function send(s, due) {
    s.due = due;
    s.write(text);
  }
  free.push(...sockets);
  const start = performance.now(), all = Math.round(rate * seconds);
  await new Promise((done) => {
    const tick = () => {
      const now = performance.now();
      while (result.sent < all && start + (result.sent / rate) * 1000 <= now) {
        const due = start + (result.sent++ / rate) * 1000;
        if (free.length > 0) send(free.pop(), due); else { result.late++; queue.push(due); }
      }
      if (result.took.length >= all) done(); else setTimeout(tick, 1); // what spins takes a core from who is measured
    };
    tick();
  });
  for (const s of sockets) s.destroy();
  result.took.sort((a, b) => a - b);
  return result;
}

/** A request as text. */
export function request(method, path, body = '', headers = {}) {
  const lines = Object.entries({ Host: 'bench', ...(body && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }), ...headers });
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${body}`;
}
