// Requests that are mutated at every place, with another one behind: the edge makes of each stream what a reader
// by the grammar of the RFCs makes of it, no request less and none more. WEIR_RULES=all plays every one.
import test from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { start } from './lib/weir.mjs';
import { mutations, readRequests } from './lib/grammar.mjs';

const behind = 'GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const pipelines = {
  'any.yaml': 'name: any\ntrigger: { webhook: { path: "/any/{rest*}", methods: [GET, POST, PUT] } }\nsteps:\n  - reply: { json: { path: "${ request.path }", body: "${ request.raw == null ? \'\' : base64.encode(request.raw) }" } }\n',
  'root.yaml': 'name: root\ntrigger: { webhook: { path: /, methods: [GET, POST, PUT] } }\nsteps:\n  - reply: { json: { path: "${ request.path }", body: "${ request.raw == null ? \'\' : base64.encode(request.raw) }" } }\n',
  'behind.yaml': 'name: behind\ntrigger: { webhook: { path: /behind, methods: [GET] } }\nsteps:\n  - reply: { json: { behind: true } }\n',
};
const COUNT = 16000;

/** Sends STREAM, and all that comes back until the end. */
function exchange(port, stream) {
  return new Promise((done) => {
    let text = '';
    const s = net.connect({ port, host: '127.0.0.1', noDelay: true });
    s.setEncoding('latin1').on('data', (d) => { text += d; }).on('error', () => {}).on('close', () => { clearTimeout(late); done(text); });
    const late = setTimeout(() => { text += 'STAYS OPEN'; s.destroy(); }, 30_000);
    s.end(Buffer.from(stream, 'latin1'));
  });
}

/** The answers in TEXT: { status, body }. */
function answers(text) {
  const all = [];
  for (let rest = text; rest !== '';) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const status = Number(/^HTTP\/1\.1 (\d\d\d) /.exec(rest)?.[1]);
    if (end < 4 || !status) return [...all, { status: 0, body: rest }];
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(rest.slice(0, end))?.[1] ?? 0);
    if (status !== 100) all.push({ status, body: rest.slice(end, end + length) });
    rest = rest.slice(end + length);
  }
  return all;
}

/** What is wrong with GOT for requests WANT; nothing: it is right. */
function compare(want, got) {
  for (const [i, w] of want.entries()) {
    const a = got[i];
    if (!a) return `no answer to the request ${i}`;
    const served = ((w.path.startsWith('/any/') || w.path === '/') && ['GET', 'POST', 'PUT'].includes(w.method)) || (w.path === '/behind' && w.method === 'GET' );
    // A request that is right, but of no route: what is behind it may be served, or not.
    if (!served && !(w.path === '*' && a.status === 204) && a.status < 400) return `${a.status} for what has no route`;
    if (!served && got.length === i + 1) return '';
    if (served && a.status !== 200) return `${a.status} for a request that is right: ${a.body}`;
    if (!served || w.path === '/behind') continue;
    const { path, body } = JSON.parse(a.body);
    if (path !== w.path) return `the path ${path} for ${w.path}`;
    if (body !== Buffer.from(w.body, 'latin1').toString('base64')) return `the body ${Buffer.from(body, 'base64').toString('latin1')} for ${w.body}`;
  }
  const rest = got.slice(want.length);
  if (rest.length > 1 || rest.some((a) => a.status < 400)) return `${rest.map((a) => a.status)} for what is no request`;
  return '';
}

test('of a mutated stream the edge serves what the grammar says, and not a request more', async (t) => {
  const w = await start(t, pipelines);
  const all = [...mutations()];
  assert.ok(all.length > 40_000);
  // A part of them, another at each place; the same ones each time.
  const step = process.env.WEIR_RULES === 'all' ? 1 : Math.ceil(all.length / COUNT);
  const some = all.filter((_, i) => i % step === (i / step | 0) % Math.min(step, 7));
  const wrong = [];
  let next = 0, right = 0;
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (next < some.length) {
      const { rule, stream } = some[next++];
      const want = readRequests(stream + behind);
      right += want.length > 1;
      const what = compare(want, answers(await exchange(w.edgePort, stream + behind)));
      if (what) wrong.push(`${rule}: ${what}: ${JSON.stringify(stream.slice(0, 300))}`);
    }
  }));
  assert.deepEqual(wrong.slice(0, 50), []);
  assert.ok(right > some.length / 10, `only ${right} were right`);
});
