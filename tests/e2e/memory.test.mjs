// What 100,000 requests leave behind: nothing. Figures of a release build alone.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { start, until, sanitized, rss } from './lib/weir.mjs';
import { upstream } from './lib/net.mjs';

/** Sends REQUEST N times on CONNECTIONS connections, each with DEPTH under way; all must be 200. */
async function send(port, request, n, connections = 8, depth = 8) {
  const bytes = Buffer.from(request);
  const one = (share) => new Promise((done, fail) => {
    const socket = net.connect({ port, noDelay: true });
    let sent = 0, got = 0, rest = '';
    const more = (k) => { k = Math.min(k, share - sent); sent += k; for (; k > 0; k--) socket.write(bytes); };
    socket.setEncoding('latin1').on('connect', () => more(depth)).on('error', fail).on('close', () => (got === share ? done() : fail(new Error(`closed after ${got} of ${share}`))));
    socket.on('data', (text) => {
      text = rest + text;
      const statuses = text.match(/HTTP\/1\.1 \d+/g) ?? [];
      const bad = statuses.find((s) => s !== 'HTTP/1.1 200');
      if (bad) return socket.destroy(new Error(bad));
      // What could be the beginning of one more waits for its rest.
      const last = text.lastIndexOf('HTTP/1.1 200');
      rest = last < 0 ? text.slice(-12) : text.slice(Math.max(last + 12, text.length - 12));
      got += statuses.length;
      if (got === share) return socket.end();
      return more(statuses.length);
    });
  });
  await Promise.all(Array.from({ length: connections }, () => one(n / connections)));
}

const requests = {
  'a static reply': ['name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - reply: { text: hello }\n', 'GET /p HTTP/1.1\r\nHost: x\r\n\r\n'],
  'an echo of JSON': ['name: p\ntrigger: { webhook: { path: /p } }\nsteps:\n  - set: { got: "${ request.body }", n: "${ size(request.body.items) }" }\n  - reply: { json: "${ input }" }\n', (() => {
    const body = JSON.stringify({ id: 'abc', items: Array.from({ length: 20 }, (_, i) => ({ i, name: `item ${i}` })) });
    return `POST /p HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  })()],
};

for (const [what, [pipeline, request]] of Object.entries(requests)) {
  test(`after 100,000 requests for ${what} there is at most 1 MiB more than after 10,000`, { skip: sanitized && 'sanitizers keep what is freed' }, async (t) => {
    const w = await start(t, { 'p.yaml': pipeline }, { args: ['--set', 'log.access=false', '--set', 'edge.max_requests=1000000'] });
    await send(w.edgePort, request, 10_000);
    const before = rss(w.worker);
    await send(w.edgePort, request, 90_000);
    const more = rss(w.worker) - before;
    assert.ok(more <= 1024, `${more} KiB more`);
  });
}

test('what a rush of large answers took is given back when it is over', { skip: sanitized && 'sanitizers keep what is freed' }, async (t) => {
  const large = Buffer.alloc(4 * 1024 * 1024);
  const up = await upstream(t, (request, response) => response.end(large));
  const pipeline = `name: p\ntrigger: { webhook: { path: /p, methods: [GET] } }\nsteps:\n  - { id: ask, http: { url: "${up.url}/", parse: bytes } }\n  - delay: 300ms\n  - reply: { text: "\${ string(size(steps.ask.body)) }" }\n`;
  const w = await start(t, { 'p.yaml': pipeline }, { args: ['--set', 'log.access=false', '--set', 'engine.max_lag=1m'] });
  const ask = async () => assert.equal(await (await fetch(`${w.edge}/p`)).text(), `${large.length}`);
  let most = 0;
  const look = setInterval(() => { most = Math.max(most, rss(w.worker)); }, 20);
  await ask(); // from then on the heap is asked for so much, and no longer the system
  await Promise.all(Array.from({ length: 60 }, ask));
  clearInterval(look);
  assert.ok(most > 100 * 1024, `only ${most} KiB`);
  await until(() => rss(w.worker) < most / 4, `less than ${most} KiB`);
});
