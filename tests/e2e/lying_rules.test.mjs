// Answers of upstreams that are mutated at every place: a caller hears what a reader by the grammar of the RFCs makes
// of each, or 502, at once, and the memory stays. WEIR_RULES=all plays every one.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import { start, slow, sanitized } from './lib/weir.mjs';
import { tcp } from './lib/net.mjs';
import { mutations, readAnswer } from './lib/answers.mjs';

const COUNT = 8000;
const rss = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

/** What the caller of N hears: { status, body, ms }. */
function ask(port, n) {
  return new Promise((done) => {
    let text = '';
    const began = performance.now();
    const s = net.connect({ port, host: '127.0.0.1', noDelay: true });
    s.setEncoding('latin1').on('data', (d) => { text += d; }).on('error', () => {});
    s.on('close', () => done({ status: Number(/^HTTP\/1\.1 (\d\d\d) /.exec(text)?.[1]), body: text.slice(text.indexOf('\r\n\r\n') + 4), ms: performance.now() - began }));
    s.write(`GET /call/${n} HTTP/1.0\r\n\r\n`);
  });
}

test('of a mutated answer the caller hears what the grammar says, or 502', async (t) => {
  const all = [...mutations()];
  assert.ok(all.length > 25_000);
  const step = process.env.WEIR_RULES === 'all' ? 1 : Math.ceil(all.length / COUNT);
  const some = all.filter((_, i) => i % step === (i / step | 0) % Math.min(step, 5));
  const up = await tcp(t, (s) => {
    let text = '';
    s.setEncoding('latin1').on('data', (d) => {
      text += d;
      const m = /^GET \/(\d+) HTTP\/1.1\r\n[^]*\r\n\r\n/.exec(text);
      if (m) s.end(Buffer.from(some[m[1]].stream, 'latin1'));
    });
  });
  const w = await start(t, { 'call.yaml': `name: call\ntrigger: { webhook: { path: "/call/{n}", methods: [GET] } }\nkeep_failed: false\nsteps:\n  - http: { base_url: "${up.url}", path: "/\${ request.params.n }", method: GET, parse: bytes }\n    timeout: 5s\n` },
    { args: ['--set', 'log.access=false'] });
  const wrong = [];
  let next = 0, right = 0, half = 0;
  await Promise.all(Array.from({ length: 24 }, async () => {
    while (next < some.length) {
      const n = next++;
      const { rule, stream } = some[n];
      const want = readAnswer(stream);
      const status = !want || want.status >= 500 ? 502 : want.status;
      const got = await ask(w.edgePort, n);
      right += status !== 502;
      if (n >= some.length / 2 && !half) half = rss(w.pid);
      const body = status === 502 || status === 204 || status === 205 || status === 304 || got.body === want.body;
      if (got.status !== status || !body) wrong.push(`${rule}: ${got.status} for ${status}: ${JSON.stringify(stream.slice(0, 250))} ${JSON.stringify(got.body.slice(0, 200))}`);
      if (got.ms > (slow ? 5000 : 2000)) wrong.push(`${rule}: ${got.ms} ms: ${JSON.stringify(stream.slice(0, 250))}`);
    }
  }));
  assert.deepEqual(wrong.slice(0, 50), []);
  assert.ok(right > some.length / 5, `only ${right} were right`);
  assert.ok(sanitized || rss(w.pid) - half < 8192, `${rss(w.pid) - half} KiB more`);
});
